/**
 * The settings of one part of a program: read together into an object of the same shape, and described together.
 */
import { Config } from "effect"
import { Setting, type SettingDescription } from "./Setting.ts"

/** Settings by the names under which code reads their values; groups may hold groups. */
export interface SettingGroup {
  readonly [key: string]: Setting<unknown> | SettingGroup
}

/** What a group reads as. */
export type SettingValues<Group> = {
  readonly [Key in keyof Group]: Group[Key] extends Setting<infer A> ? A : SettingValues<Group[Key]>
}

/** Reads all settings of a group. Fails with `ConfigError`, which names the setting. */
export const readSettings = <const Group extends SettingGroup>(group: Group): Config.Config<SettingValues<Group>> =>
  // The keys stay, and each setting becomes what it reads.
  configOf(group) as Config.Config<SettingValues<Group>>

const configOf = (group: SettingGroup): Config.Config<unknown> =>
  Config.all(
    Object.fromEntries(
      Object.entries(group).map(([key, each]) => [key, each instanceof Setting ? each.config : configOf(each)])
    )
  )

/** All settings of a group, in the order in which they stand there. */
export const settingsIn = (group: SettingGroup): ReadonlyArray<Setting<unknown>> =>
  Object.values(group).flatMap((each) => (each instanceof Setting ? [each] : settingsIn(each)))

/** What a person is told of the settings, in the same order. */
export const describeSettings = (group: SettingGroup): ReadonlyArray<SettingDescription> =>
  settingsIn(group).map(({ description }) => description)
