/**
 * `bulkhead streams apply`: makes the server as planned, having shown what that is and asked.
 */
import type { ApplyEvent } from "@bulkhead/core/api"
import { parseAllowance, RISKS } from "@bulkhead/nats"
import * as Console from "effect/Console"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { failed } from "../../CommandFailed.ts"
import { askCore } from "../../core/askCore.ts"
import { EXIT } from "../../ExitCode.ts"
import { confirm, yes } from "../../options/confirm.ts"
import { dryRun } from "../../options/dryRun.ts"
import { print } from "../../output/print.ts"
import { progress } from "../../output/progress.ts"
import { Json } from "../../Settings.ts"
import { failWhereBlocked, failWhereCostly, ofTenant, render, tenant } from "./comparison.ts"

const allow = Flag.String("allow").pipe(
  Flag.withMetavar("<risk>[=<stream>]"),
  Flag.mapTryCatch(
    (text) => {
      const allowance = parseAllowance(text)
      if (allowance === undefined) throw new Error()
      return allowance
    },
    () => `one of ${RISKS.join(", ")}, with =<stream> for one stream alone`
  ),
  Flag.between(0, Number.MAX_SAFE_INTEGER),
  Flag.withDescription(
    "What may be lost, as `bulkhead streams plan` names it, of every stream or of one; may be repeated"
  )
)

/** Shows how far core is. Fails where it stopped before the end. */
const follow = <E>(events: Stream.Stream<ApplyEvent, E>) =>
  Effect.gen(function* () {
    const bar = yield* progress("changes")
    const last = yield* events.pipe(
      Stream.tap((event) => (event.event === "made" ? bar.show(event.made, event.wanted, event.stream) : Effect.void)),
      Stream.runLast,
      Effect.map(Option.getOrUndefined),
      Effect.orElseSucceed(() => undefined)
    )
    if (last?.event === "done") return
    if (last?.event === "interrupted") return yield* failed(EXIT.fault, last.problem)
    return yield* failed(
      EXIT.unreachable,
      "The connection to core ended before all changes were made",
      "Give the same command again to make the rest"
    )
  }).pipe(Effect.scoped)

const summary = (count: number, isDry: boolean): string =>
  isDry ? "dry run: nothing was changed" : `${count} change${count === 1 ? " was" : "s were"} made`

export const apply = Command.make(
  "apply",
  { tenant, allow, dryRun, yes },
  Effect.fnUntraced(function* ({ tenant: slug, allow, dryRun, yes }) {
    const ask = yield* askCore
    const comparison = yield* ask((core) => core.streams.compare({ query: ofTenant(slug) }))
    const { changes, fingerprint: shown } = comparison
    if (!(yield* Json)) yield* Console.log(render(comparison))
    yield* failWhereBlocked(comparison)
    yield* failWhereCostly(comparison, allow)
    const applied = changes.length > 0 && !dryRun
    if (applied) {
      yield* confirm(`Making ${changes.length} changes to streams and consumers`, { yes })
      const payload = { ...ofTenant(slug), allow, shown }
      yield* follow(yield* ask((core) => core.streams.apply({ payload })))
    }
    yield* print({ applied, ...comparison }, () => summary(changes.length, dryRun))
  })
).pipe(
  Command.withDescription(
    "Make streams and consumers as planned; refuses whatever may lose messages and was not allowed"
  ),
  Command.withExamples([
    { command: "bulkhead streams apply --dry-run", description: "Whether it would be done, and what" },
    { command: "bulkhead streams apply acme --yes", description: "One tenant's, without being asked" },
    {
      command: "bulkhead streams apply --allow stream-deleted=events-oldco",
      description: "Delete a stream that is left over, with its messages"
    }
  ])
)
