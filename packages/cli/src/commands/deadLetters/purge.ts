/**
 * `bulkhead dead-letters purge`: removes letters for good. How many a filter finds is asked first, and is what is confirmed.
 */
import type { DeadLetterFilter } from "@bulkhead/core/api"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { askCore, changeCore } from "../../core/askCore.ts"
import { confirm, confirmUnlessDry, yes } from "../../options/confirm.ts"
import { dryRun } from "../../options/dryRun.ts"
import { tenant } from "../../options/tenant.ts"
import { print } from "../../output/print.ts"
import { all, filterFlags, ids, selectionOf } from "./letterFilter.ts"

interface Given {
  readonly yes: boolean
  readonly dryRun: boolean
}

const printPurged = (purged: number) => print({ purged }, () => `${purged} dead letters are purged`)

const purgeIds = Effect.fnUntraced(function* (slug: string, ids: ReadonlyArray<number>, given: Given) {
  const ask = yield* changeCore(given.dryRun)
  yield* confirmUnlessDry(`Purging ${ids.length} dead letters of "${slug}" for good`, given)
  const { purged } = yield* ask((core) => core.deadLetters.purge({ params: { slug }, payload: { ids } }))
  yield* printPurged(purged)
})

const purgeFound = Effect.fnUntraced(function* (slug: string, filter: DeadLetterFilter, given: Given) {
  const ask = yield* askCore
  const params = { slug }
  // Without a confirmation core purges nothing, and says how many it would.
  const asked = yield* ask((core) =>
    core.deadLetters.purge({ params, payload: { filter } }).pipe(Effect.catchTag("ConfirmationProblem", Effect.succeed))
  )
  if (!("confirm" in asked)) return yield* printPurged(asked.purged)
  const { letters, confirm: words } = asked
  if (given.dryRun) {
    return yield* print(
      { dryRun: { letters, filter: words } },
      () => `dry run: nothing was changed; ${letters} dead letters would be purged (${words})`
    )
  }
  yield* confirm(`Purging ${letters} dead letters of "${slug}" (${words}) for good`, given)
  const payload = { filter, confirm: words }
  const { purged } = yield* ask((core) => core.deadLetters.purge({ params, payload }))
  yield* printPurged(purged)
})

export const purge = Command.make(
  "purge",
  { tenant, ids, ...filterFlags, all, dryRun, yes },
  Effect.fnUntraced(function* ({ tenant: slug, dryRun, yes, ...given }) {
    const selection = yield* selectionOf(given)
    if ("ids" in selection) return yield* purgeIds(slug, selection.ids, { dryRun, yes })
    yield* purgeFound(slug, selection.filter, { dryRun, yes })
  })
).pipe(
  Command.withDescription("Remove dead letters for good"),
  Command.withExamples([
    { command: "bulkhead dead-letters purge acme --until 30d --dry-run", description: "How many are older than that" },
    { command: "bulkhead dead-letters purge acme 42 --yes", description: "One letter, without being asked" }
  ])
)
