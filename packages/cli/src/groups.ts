/**
 * The groups of commands. One is read when its name is among the arguments, so that a command starts as fast with twenty
 * groups as with one.
 *
 * To add a group: a folder `commands/<group>` with one file a command and an `index.ts` that puts them together, and a line
 * here.
 */
import type * as Command from "effect/cli/Command"
import type * as Terminal from "effect/Terminal"
import type { CommandEnd } from "./bulkhead.ts"
import type { Settings } from "./Settings.ts"

/** A command, or a group of them, whose handlers fail as commands do. */
// biome-ignore lint/suspicious/noExplicitAny: a command is invariant in its name, and its input is its own business
export type AnyCommand = Command.Command<any, any, any, CommandEnd | Terminal.QuitError, Settings | Command.Environment>

export interface CommandGroup {
  readonly name: string
  readonly description: string
  readonly load: () => Promise<AnyCommand>
}

export const groups: ReadonlyArray<CommandGroup> = [
  {
    name: "tenants",
    description: "Create, list, change, suspend and delete tenants",
    load: async () => (await import("./commands/tenants/index.ts")).tenants
  },
  {
    name: "credentials",
    description: "Issue, rotate, revoke and list the credentials of a tenant",
    load: async () => (await import("./commands/credentials/index.ts")).credentials
  },
  {
    name: "packages",
    description: "What a tenant's administrator is handed for a site: issue, list, revoke",
    load: async () => (await import("./commands/packages/index.ts")).packages
  },
  {
    name: "dead-letters",
    description: "Look at messages that could not be stored, try them again, purge them",
    load: async () => (await import("./commands/deadLetters/index.ts")).deadLetters
  },
  {
    name: "replay",
    description: "Decode a tenant's messages again, from some place of its stream on",
    load: async () => (await import("./commands/replay/index.ts")).replay
  },
  {
    name: "rules",
    description: "What decides on a tenant's raw logs: put, try, order, roll back",
    load: async () => (await import("./commands/rules/index.ts")).rules
  },
  {
    name: "flags",
    description: "Read and set the platform's flags, for everyone, a share of the tenants or one",
    load: async () => (await import("./commands/flags/index.ts")).flags
  },
  {
    name: "streams",
    description: "Where messages are kept: plan, apply, the lag of readers, the move from subjects without prefix",
    load: async () => (await import("./commands/streams/index.ts")).streams
  },
  {
    name: "prove",
    description: "Whether any tenant can reach another, computed from what the servers hold; 1 where one can",
    load: async () => (await import("./commands/prove/index.ts")).prove
  },
  {
    name: "health",
    description: "How every tenant runs: status, lag in messages and seconds, dead letters; 1 where one does not",
    load: async () => (await import("./commands/health/index.ts")).health
  },
  {
    name: "doctor",
    description:
      "Say where a tenant's message stops and what to do; 0 where it gets through, 1 where it stops, 3 or 4 before core",
    load: async () => (await import("./commands/doctor/index.ts")).doctor
  },
  {
    name: "context",
    description: "Name the installations you work with, and choose one",
    load: async () => (await import("./commands/context/index.ts")).context
  }
]
