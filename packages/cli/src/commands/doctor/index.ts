/**
 * `bulkhead doctor`: where a tenant's message stops, and what to do. Core looks at every place on its way; where core
 * itself cannot be asked, the way to core is looked at from here.
 */
import type { Diagnosis, Finding } from "@bulkhead/core/api"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { type CommandFailed, failed } from "../../CommandFailed.ts"
import { currentContext } from "../../contexts/currentContext.ts"
import { askCore } from "../../core/askCore.ts"
import { EXIT } from "../../ExitCode.ts"
import { tenant } from "../../options/tenant.ts"
import { print } from "../../output/print.ts"
import { table } from "../../output/table.ts"
import { lookAtWay, type WayStep } from "./lookAtWay.ts"

interface Check extends Finding {
  readonly check: Diagnosis["checks"][number]["check"] | WayStep
}

/** What the command prints: core's diagnosis, or that of the way to core. */
interface Report {
  readonly tenant: string
  readonly checks: ReadonlyArray<Check>
  readonly stopsAt?: Check["check"]
}

const MARKS = { ok: "ok", failed: "FAILED", skipped: "-" } as const

const render = ({ checks }: Report): string =>
  table<Check>(
    [
      { title: "check", cell: ({ check }) => check },
      { title: "result", cell: ({ outcome }) => MARKS[outcome] },
      { title: "seen", cell: ({ seen }) => seen }
    ],
    checks,
    "Nothing was looked at"
  )

/** Prints the report, and fails with the first place that does not let a message through. */
const tell = Effect.fnUntraced(function* (report: Report, exit: CommandFailed["exit"]) {
  yield* print(report, render)
  const stop = report.checks.find(({ check }) => check === report.stopsAt)
  if (stop === undefined) return
  return yield* failed(exit, `A message of "${report.tenant}" stops at ${stop.check}: ${stop.seen}`, stop.nextStep)
})

const tellWay = Effect.fnUntraced(function* (slug: string, failure: CommandFailed) {
  const checks = yield* lookAtWay(yield* currentContext, failure)
  const stop = checks.at(-1)
  return yield* tell({ tenant: slug, checks, ...(stop === undefined ? {} : { stopsAt: stop.check }) }, failure.exit)
})

const isBeforeCore = ({ exit }: CommandFailed): boolean => exit === EXIT.unreachable || exit === EXIT.unauthorized

export const doctor = Command.make(
  "doctor",
  { tenant },
  Effect.fnUntraced(function* ({ tenant: slug }) {
    const ask = yield* askCore
    yield* ask((core) => core.diagnosis.get({ params: { slug } })).pipe(
      Effect.flatMap((diagnosis) => tell(diagnosis, EXIT.fault)),
      Effect.catchTag("CommandFailed", (error) => (isBeforeCore(error) ? tellWay(slug, error) : Effect.fail(error)))
    )
  })
).pipe(
  Command.withDescription(
    "Say where a tenant's message stops and what to do; 0 where it gets through, 1 where it stops, 3 or 4 before core"
  ),
  Command.withExamples([
    { command: "bulkhead doctor acme", description: "Every place on the way of acme's messages" },
    { command: "bulkhead doctor acme --json", description: "The same, for a program" }
  ])
)
