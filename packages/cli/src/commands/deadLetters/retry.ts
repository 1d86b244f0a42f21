/**
 * `bulkhead dead-letters retry`: decodes letters again, after a fix. What becomes rows is stored once, also when this is
 * interrupted and given again.
 */
import type { RetryReport } from "@bulkhead/core/api"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { failed } from "../../CommandFailed.ts"
import { changeCore } from "../../core/askCore.ts"
import { EXIT } from "../../ExitCode.ts"
import { dryRun } from "../../options/dryRun.ts"
import { tenant } from "../../options/tenant.ts"
import { print } from "../../output/print.ts"
import { progress } from "../../output/progress.ts"
import { all, filterFlags, ids, type Selection, selectionOf } from "./letterFilter.ts"

const LETTERS_AT_ONCE = 500

interface Done {
  stored: number
  kept: number
  gone: number
  readonly outcomes: Array<RetryReport["outcomes"][number]>
}

const add = (done: Done, { stored, kept, gone, outcomes }: RetryReport): void => {
  done.stored += stored
  done.kept += kept
  done.gone += gone
  done.outcomes.push(...outcomes)
}

const payloadOf = (selection: Selection, after: number | undefined) =>
  "ids" in selection
    ? selection
    : { filter: selection.filter, limit: LETTERS_AT_ONCE, ...(after === undefined ? {} : { after }) }

const retryAll = Effect.fnUntraced(function* (slug: string, selection: Selection, dryRun: boolean) {
  const ask = yield* changeCore(dryRun)
  const bar = yield* progress("retrying")
  const done: Done = { stored: 0, kept: 0, gone: 0, outcomes: [] }
  let after: number | undefined
  do {
    const payload = payloadOf(selection, after)
    const report = yield* ask((core) => core.deadLetters.retry({ params: { slug }, payload }))
    add(done, report)
    after = report.next
    yield* bar.show(done.outcomes.length, done.outcomes.length + report.left, "letters")
  } while (after !== undefined)
  return done
}, Effect.scoped)

const REASONS_SHOWN_MAX = 10

const render = ({ stored, kept, gone, outcomes }: Done): string => {
  const reasons = outcomes.flatMap((one) =>
    one.outcome === "kept" ? [`  ${one.id}  ${one.reason}: ${one.detail}`] : []
  )
  const more = reasons.length > REASONS_SHOWN_MAX ? [`  … and ${reasons.length - REASONS_SHOWN_MAX} more`] : []
  return [`${stored} stored, ${kept} kept, ${gone} gone`, ...reasons.slice(0, REASONS_SHOWN_MAX), ...more].join("\n")
}

export const retry = Command.make(
  "retry",
  { tenant, ids, ...filterFlags, all, dryRun },
  Effect.fnUntraced(function* ({ tenant: slug, dryRun, ...given }) {
    const done = yield* retryAll(slug, yield* selectionOf(given), dryRun)
    yield* print(done, render)
    if (done.kept > 0) {
      return yield* failed(
        EXIT.fault,
        `${done.kept} dead letters still cannot be stored`,
        "What is wrong with each is above"
      )
    }
  })
).pipe(
  Command.withDescription("Decode dead letters again and store what can be stored; 1 where some still cannot"),
  Command.withExamples([
    { command: "bulkhead dead-letters retry acme 42 43", description: "Two letters" },
    { command: "bulkhead dead-letters retry acme --reason malformed_json", description: "All of a reason, in steps" }
  ])
)
