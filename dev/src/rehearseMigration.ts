/**
 * `npm run rehearse:migration`: moves an installation without tenants to tenant prefixes, with the commands that an operator
 * gives and while its publishers never stop; then moves another one half-way, back, and all the way. It is counted what came
 * of each acknowledged message in PostgreSQL: in the rows of core, and in those of the writer that the installation always
 * had. The last line is `migration published P stored S duplicated 0 lost 0`. Exit code 1 when anything was doubled or lost.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Cause, Clock, Console, Effect } from "effect"
import { DevError } from "./DevError.ts"
import { type Counted, type MoveOptions, moveAllTheWay, moveBackAndAgain } from "./rehearsal/moves.ts"
import { type Stack, startStack } from "./rehearsal/Stack.ts"
import { inBothTables, isClean, sum, tallyText } from "./rehearsal/tally.ts"

/** The new stream opens after a whole window: an operator's is 2 minutes. */
const OPTIONS: MoveOptions = {
  messages: 200,
  quickly: ["--duplicate-window", "5s", "--quiet", "2s", "--drain", "10s"]
}
const TIMEOUT = "4 minutes"

const rehearse = Effect.fnUntraced(function* <E, R>(
  title: string,
  move: (stack: Stack, options: MoveOptions) => Effect.Effect<ReadonlyArray<Counted>, E, R>
) {
  const startedAtMs = yield* Clock.currentTimeMillis
  yield* Console.log(`# ${title}`)
  const stack = yield* startStack()
  const counted = yield* Effect.raceFirst(move(stack, OPTIONS), stack.coreEnded)
  const seconds = ((yield* Clock.currentTimeMillis) - startedAtMs) / 1_000
  yield* Console.log(
    `\n${seconds.toFixed(0)} s, ${yield* stack.publishers.repeated} messages were published twice under their ids`
  )
  for (const { rows, found } of counted) yield* Console.log(`rows ${rows}: ${tallyText(found)}`)
  yield* Console.log("")
  return counted.map(({ found }) => found).reduce(inBothTables)
}, Effect.scoped)

const rehearsal = Effect.gen(function* () {
  const forward = yield* rehearse("All the way", moveAllTheWay)
  const back = yield* rehearse("Half-way, back, and all the way", moveBackAndAgain)
  const all = sum(forward, back)
  yield* Console.log(`migration ${tallyText(all)}`)
  process.exitCode = isClean(all) ? 0 : 1
}).pipe(
  Effect.timeoutOrElse({
    duration: TIMEOUT,
    orElse: () =>
      Effect.fail(
        new DevError({
          problem: `The rehearsal has not ended within ${TIMEOUT}`,
          nextStep: "The last command above is the one that waits"
        })
      )
  })
)

rehearsal.pipe(
  Effect.tapCause((cause) =>
    Cause.hasInterruptsOnly(cause)
      ? Effect.void
      : Console.error(`rehearsal: ${Cause.prettyErrors(cause)[0]?.message ?? Cause.pretty(cause)}`)
  ),
  NodeRuntime.runMain({ disableErrorReporting: true })
)
