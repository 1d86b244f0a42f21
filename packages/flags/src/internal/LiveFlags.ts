/**
 * What the bucket says of each flag, built from its entries one by one.
 */
import type { KvEntry } from "@nats-io/kv"
import { type Flag, FlagValueInvalid, readValue } from "../Flag.ts"
import { FLAG_BUCKET, type FlagScope, parseKey, parseRollout } from "./bucketKeys.ts"
import type { LiveSettings, Rollout } from "./FlagSettings.ts"

interface MutableSettings {
  everyone?: unknown
  rollout?: Rollout<unknown>
  readonly tenants: Map<string, unknown>
}

type Setting = { readonly value: unknown; readonly percent: number }

/** One map of settings by key; settings of a flag are looked up by its own keys, so that a reading stays cheap. */
export class LiveFlags {
  readonly #settings = new Map<string, MutableSettings>()
  readonly #flags: ReadonlyMap<string, Flag<unknown>>

  constructor(flags: ReadonlyMap<string, Flag<unknown>>) {
    this.#flags = flags
  }

  /** Whether no entry of a flag of ours was ever taken over. */
  get isEmpty(): boolean {
    return this.#settings.size === 0
  }

  settingsOf(flag: string): LiveSettings<unknown> | undefined {
    return this.#settings.get(flag)
  }

  /**
   * Takes an entry over. A text that is no value is returned, and what `lastGood` says of that key stays in force.
   * Entries of flags that are not ours are passed over.
   */
  apply(entry: KvEntry, lastGood: LiveFlags): FlagValueInvalid | undefined {
    const key = parseKey(entry.key)
    const flag = key === undefined ? undefined : this.#flags.get(key.flag)
    if (key === undefined || flag === undefined) return undefined
    const setting = entry.operation === "PUT" ? readSetting(flag, key.scope, entry) : undefined
    const isBad = setting instanceof FlagValueInvalid
    this.#assign(flag.key, key.scope, isBad ? lastGood.#get(flag.key, key.scope) : setting)
    return isBad ? setting : undefined
  }

  #get(flag: string, scope: FlagScope): Setting | undefined {
    const settings = this.#settings.get(flag)
    if (scope.kind === "rollout") return settings?.rollout
    const value = scope.kind === "tenant" ? settings?.tenants.get(scope.tenant) : settings?.everyone
    return value === undefined ? undefined : { value, percent: 100 }
  }

  #assign(flag: string, scope: FlagScope, setting: Setting | undefined): void {
    const settings: MutableSettings = this.#settings.get(flag) ?? { tenants: new Map() }
    this.#settings.set(flag, settings)
    if (scope.kind === "tenant") {
      if (setting === undefined) settings.tenants.delete(scope.tenant)
      else settings.tenants.set(scope.tenant, setting.value)
    } else if (setting === undefined) delete settings[scope.kind]
    else if (scope.kind === "rollout") settings.rollout = setting
    else settings.everyone = setting.value
  }
}

const readSetting = (flag: Flag<unknown>, scope: FlagScope, entry: KvEntry): Setting | FlagValueInvalid => {
  const source = `bucket ${FLAG_BUCKET}, key ${entry.key}`
  const text = entry.string()
  if (scope.kind !== "rollout") return withPercent(readValue(flag, text, source), 100)
  const rollout = parseRollout(text)
  if (rollout !== undefined) return withPercent(readValue(flag, rollout.value, source), rollout.percent)
  const allowed = `a share of the tenants and a value, such as 20%:${flag.print(flag.default)}`
  return new FlagValueInvalid({ flag: flag.key, value: text.slice(0, 80), allowed, source })
}

const withPercent = (value: unknown, percent: number): Setting | FlagValueInvalid =>
  value instanceof FlagValueInvalid ? value : { value, percent }
