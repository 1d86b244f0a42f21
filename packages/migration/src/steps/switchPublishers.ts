/**
 * Lets publishers put the tenant before their subjects, and says to consumers which subjects to expect. Publishers that do
 * not follow the platform's flags are the operator's to change; those that come later publish through the door until then.
 */
import { type Flag, FlagStore, PREFIX_MODE, TENANT_PREFIX_ENABLED } from "@bulkhead/flags"
import { Effect } from "effect"
import type { StepKind, StepOf, StepRun } from "../internal/StepRun.ts"
import { awaitNoPublishers } from "../internal/silence.ts"
import { holdWriters } from "../internal/writers.ts"
import { MigrationError, OperatorNeeded, ServerUnavailable } from "../MigrationError.ts"

const EVERYONE = { kind: "everyone" } as const

/** What is set, in this order: who reads before who writes. */
const WANTED: ReadonlyArray<{ readonly flag: Flag<unknown>; readonly text: string }> = [
  { flag: PREFIX_MODE, text: "prefixed" },
  { flag: TENANT_PREFIX_ENABLED, text: "on" }
]

/** How a flag that was not set is noted. */
const NOT_SET = ""

const asMigrationError = <A, R>(effect: Effect.Effect<A, { readonly message: string }, R>) =>
  Effect.mapError(
    effect,
    ({ message }) =>
      new MigrationError({
        operation: "switchPublishers",
        reason: new ServerUnavailable({ what: "the bucket of flags", problem: message })
      })
  )

const restore = Effect.fnUntraced(function* ({ facts }: StepRun, flag: Flag<unknown>) {
  const { [flag.key]: text } = yield* facts
  if (text === undefined) return
  const store = yield* FlagStore
  yield* asMigrationError(text === NOT_SET ? store.unset(flag, EVERYONE) : store.set(flag, EVERYONE, String(text)))
})

export const switchPublishers: StepKind<StepOf<"SwitchPublishers">> = {
  describe: (_, { publishers }) =>
    publishers === "flags"
      ? {
          does: `flags ${WANTED.map(({ flag, text }) => `${flag.key}=${text}`).join(", ")} for everyone; other publishers are changed by their owners`,
          undoes: "both flags are as they were; waits until nobody publishes with a prefix"
        }
      : {
          does: "publishers are changed by their owners: from now on both kinds of subject are taken",
          undoes: "publishers are changed back by their owners; waits until nobody publishes with a prefix"
        },
  apply: Effect.fnUntraced(function* (_, { plan, facts, note }) {
    if (plan.publishers === "operator") return
    const store = yield* FlagStore
    for (const { flag, text } of WANTED) {
      if ((yield* facts)[flag.key] === undefined) {
        const before = yield* asMigrationError(store.read(flag, EVERYONE))
        yield* note({ [flag.key]: before ?? NOT_SET })
      }
      yield* asMigrationError(store.set(flag, EVERYONE, text))
    }
  }),
  revert: Effect.fnUntraced(function* (step, run) {
    const { plan } = run
    if (plan.publishers === "flags") yield* restore(run, TENANT_PREFIX_ENABLED)
    const busy = yield* awaitNoPublishers(run)
    if (busy.length > 0) {
      return yield* new MigrationError({
        operation: "switchPublishers",
        reason: new OperatorNeeded({
          step: step._tag,
          problem: `somebody still publishes with a prefix, on "${busy.slice(0, 3).join('", "')}"`,
          nextStep: "Let these publishers send without it"
        })
      })
    }
    // As soon as this flag says so, core reads the new streams no more.
    yield* holdWriters(run)
    if (plan.publishers === "flags") yield* restore(run, PREFIX_MODE)
  })
}
