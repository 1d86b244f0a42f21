/**
 * `npm run faults`: faults under load, a line for each, then the audit. The last line is
 * `faults N published P stored S duplicated D lost L disordered O`. Exit code 1 when a fault failed or the audit found
 * anything.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Cause, Clock, Console, Effect } from "effect"
import { type Findings, isClean } from "./audit.ts"
import { type FaultsOptions, parseOptions } from "./options.ts"
import { planOf } from "./plan.ts"
import { conclude, inflict, type Outcome } from "./runFaults.ts"
import { startWorld } from "./World.ts"

const MINUTE_MS = 60_000

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`

const outcomeLine = (number: number, of: number, outcome: Outcome, tookMs: number): string =>
  [
    `${String(number).padStart(String(of).length)}/${of}`,
    outcome.isOk ? "ok    " : "FAILED",
    seconds(tookMs).padStart(7),
    outcome.fault,
    `(${outcome.text}; caught up in ${seconds(outcome.recoveryMs)})`
  ].join("  ")

const findingsLines = (faults: number, found: Findings): ReadonlyArray<string> => [
  `poison ${found.poison} wrong dead letters ${found.wrongDeadLetters} misplaced ${found.misplaced}`,
  `faults ${faults} published ${found.published} stored ${found.stored} duplicated ${found.duplicated} lost ${found.lost} disordered ${found.disordered}`
]

const program = Effect.fnUntraced(function* (options: FaultsOptions) {
  const plan = yield* planOf(options)
  const startedAtMs = yield* Clock.currentTimeMillis
  yield* Console.log(`seed ${options.seed}, ${plan.length} faults, logs and data in ${options.folder}`)
  const world = yield* startWorld(options)
  yield* world.startLoad
  let [inflicted, failed] = [0, 0]
  for (const [index, fault] of plan.entries()) {
    const beginMs = yield* Clock.currentTimeMillis
    if (beginMs - startedAtMs > options.minutes * MINUTE_MS) {
      yield* Console.log(`${options.minutes} min are over: ${plan.length - inflicted} faults are left out`)
      break
    }
    const outcome = yield* inflict(world, fault, `${options.seed}/${index}`)
    inflicted += 1
    if (!outcome.isOk) failed += 1
    yield* Console.log(outcomeLine(inflicted, plan.length, outcome, (yield* Clock.currentTimeMillis) - beginMs))
  }
  const found = yield* conclude(world)
  yield* Effect.forEach(findingsLines(inflicted, found), (line) => Console.log(line))
  process.exitCode = failed === 0 && isClean(found) ? 0 : 1
}, Effect.scoped)

parseOptions(process.argv.slice(2)).pipe(
  Effect.flatMap(program),
  Effect.tapCause((cause) =>
    Cause.hasInterruptsOnly(cause)
      ? Effect.void
      : Console.error(`bulkhead: ${Cause.prettyErrors(cause)[0]?.message ?? Cause.pretty(cause)}`)
  ),
  Effect.onInterrupt(() => Console.error("bulkhead: stopped")),
  NodeRuntime.runMain({ disableErrorReporting: true })
)
