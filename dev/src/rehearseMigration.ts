/**
 * `npm run rehearse:migration`: moves an installation without tenants to tenant prefixes, with the commands that an operator
 * gives and while its publishers never stop; then moves another one half-way and back. It is counted what came of each
 * acknowledged message in PostgreSQL: in the rows of core, in those of the writer that the installation always had, and
 * after the way back in the latter alone. The last line is `migration published P stored S duplicated 0 lost 0`. Exit code
 * 1 when anything was doubled or lost.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Cause, Clock, Console, Effect } from "effect"
import { DevError } from "./DevError.ts"
import { awaitRead, NEW_STREAM, OLD_STREAM } from "./rehearsal/OldWriter.ts"
import { operatorAt } from "./rehearsal/operator.ts"
import { type Stack, startStack } from "./rehearsal/Stack.ts"
import { inBothTables, isClean, sum, type Tally, tallyText } from "./rehearsal/tally.ts"

/** So many messages before, between and after the commands. */
const SOME = 200
/** The new stream opens after a whole window: an operator's is 2 minutes. */
const QUICKLY = ["--duplicate-window", "5s", "--quiet", "2s", "--drain", "10s"]
const TIMEOUT = "85 seconds"

const migrate = Effect.fnUntraced(function* ({ natsUrl, manager, publishers, mappingFile, ...stack }: Stack) {
  const operator = operatorAt(natsUrl)
  yield* publishers.more(SOME)
  yield* operator("inspect", "--measure", "1s")
  yield* operator("plan", "--mapping", mappingFile, ...QUICKLY)
  yield* operator("run", "--to", "both", "--mapping", mappingFile, ...QUICKLY, "--yes")
  yield* publishers.more(SOME)
  yield* operator("verify")
  yield* operator("run", "--to", "prefixed", "--yes")
  yield* operator("cleanup", "--yes")
  yield* publishers.more(SOME)
  yield* publishers.stop
  yield* awaitRead(manager, NEW_STREAM, 2)
  return [
    { rows: "of core", found: yield* stack.coreRows },
    { rows: "of the old writer", found: yield* stack.oldRows }
  ]
})

const migrateAndRollBack = Effect.fnUntraced(function* ({
  natsUrl,
  manager,
  publishers,
  mappingFile,
  ...stack
}: Stack) {
  const operator = operatorAt(natsUrl)
  yield* publishers.more(SOME)
  yield* operator("run", "--to", "both", "--mapping", mappingFile, ...QUICKLY, "--yes")
  yield* publishers.more(SOME)
  yield* operator("rollback", "--yes")
  yield* operator("cleanup", "--yes")
  yield* publishers.more(SOME)
  yield* publishers.stop
  yield* awaitRead(manager, OLD_STREAM, 1)
  return [{ rows: "of the old writer", found: yield* stack.oldRows }]
})

interface Counted {
  /** Whose. */
  readonly rows: string
  readonly found: Tally
}

const rehearse = Effect.fnUntraced(function* <E, R>(
  title: string,
  commands: (stack: Stack) => Effect.Effect<ReadonlyArray<Counted>, E, R>
) {
  const startedAtMs = yield* Clock.currentTimeMillis
  yield* Console.log(`# ${title}`)
  const stack = yield* startStack()
  const counted = yield* Effect.raceFirst(commands(stack), stack.coreEnded)
  const seconds = ((yield* Clock.currentTimeMillis) - startedAtMs) / 1_000
  yield* Console.log(
    `\n${seconds.toFixed(0)} s, ${yield* stack.publishers.repeated} messages were published twice under their ids`
  )
  for (const { rows, found } of counted) yield* Console.log(`rows ${rows}: ${tallyText(found)}`)
  yield* Console.log("")
  return counted.map(({ found }) => found).reduce(inBothTables)
}, Effect.scoped)

const rehearsal = Effect.gen(function* () {
  const forward = yield* rehearse("All the way", migrate)
  const back = yield* rehearse("Half-way and back", migrateAndRollBack)
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
