import type { FlagStore } from "@bulkhead/flags"
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Exit } from "effect"
import {
  beginJournal,
  cleanUp,
  JetStreamAdmin,
  type MigrationError,
  openJournal,
  phaseOf,
  readJournal,
  runBack,
  runForward
} from "../src/index.ts"
import { type Installation, startInstallation } from "./installation.ts"

const HOLDER = { name: "test", beatMs: 50 }

class Killed extends Error {}

/**
 * A tool that is killed after so many questions: nothing of it reaches the server any more, as after SIGKILL. The question
 * at which it dies is asked, and its answer is lost, every other time. What it writes into the journal is not counted: its
 * signs of life come at any time.
 */
const mortal = (installation: Installation, questions: number) => {
  const { ask } = Context.get(installation.tools, JetStreamAdmin)
  let left = questions
  return Context.add(
    installation.tools,
    JetStreamAdmin,
    JetStreamAdmin.of({
      ask: (question) =>
        Effect.suspend(() => {
          if (!question.what.startsWith("the journal")) left -= 1
          if (left > 0) return ask(question)
          if (left === 0 && questions % 2 === 0)
            return Effect.andThen(Effect.ignore(ask(question)), Effect.die(new Killed()))
          return Effect.die(new Killed())
        })
    })
  )
}

type Work = Effect.Effect<unknown, MigrationError, FlagStore | JetStreamAdmin>

/** Runs `work` again and again, and kills it each time a little later than the time before, until it ends by itself. */
const killedUntilDone = Effect.fnUntraced(function* (
  installation: Installation,
  work: (journal: Effect.Success<ReturnType<typeof beginJournal>>) => Work
) {
  let questions = 2
  while (true) {
    const run = Effect.gen(function* () {
      const journal = yield* openJournal(HOLDER)
      if (journal !== undefined) yield* work(journal)
    }).pipe(Effect.scoped, Effect.provideContext(mortal(installation, questions)))
    const exit = yield* Effect.exit(run)
    if (Exit.isSuccess(exit)) return questions
    questions += 1
    const killed = exit.cause.reasons.some((reason) => reason._tag === "Die" && reason.defect instanceof Killed)
    if (!killed) yield* exit
  }
})

describe("the tool is killed after each of its questions", () => {
  it.live(
    "goes on where it was, forward and back: every message once",
    () =>
      Effect.gen(function* () {
        const installation = yield* startInstallation({ pauseMs: 20 })
        const { plan, problems } = yield* installation.plan()
        assert.deepStrictEqual(problems, [])
        yield* Effect.gen(function* () {
          yield* Effect.scoped(beginJournal(plan, HOLDER))
          const forward = yield* killedUntilDone(installation, (journal) => runForward(journal, "both"))
          assert.isAbove(forward, 10)
          const entry = yield* readJournal
          assert.strictEqual(entry === undefined ? undefined : phaseOf(entry), "both")
          yield* killedUntilDone(installation, (journal) => runBack(journal))
          yield* installation.stopPublishing
          assert.deepStrictEqual(yield* installation.settledFaults, [])
          yield* killedUntilDone(installation, cleanUp)
          assert.isUndefined(yield* readJournal)
        }).pipe(Effect.provideContext(installation.tools))
      }),
    180_000
  )
})
