import { assert, describe, it } from "@effect/vitest"
import { Console, Effect } from "effect"
import { moveBackAndAgain } from "../src/rehearsal/moves.ts"
import { startStack } from "../src/rehearsal/Stack.ts"
import { tallyText } from "../src/rehearsal/tally.ts"

const OPTIONS = { messages: 40, quickly: ["--duplicate-window", "2s", "--quiet", "500ms", "--drain", "10s"] }

const silent: Console.Console = Object.assign(Object.create(console), { log: () => {}, error: () => {} })

describe("an installation that is alive", () => {
  it.live(
    "goes half-way to tenant prefixes, back, and all the way: every message has one row of each writer",
    () =>
      Effect.gen(function* () {
        const stack = yield* startStack({ repeatAfterMs: 400 })
        const counted = yield* Effect.raceFirst(moveBackAndAgain(stack, OPTIONS), stack.coreEnded)
        const { size } = stack.publishers.acknowledged
        for (const { rows, found } of counted) {
          const expected = { published: size, stored: size, duplicated: 0, lost: 0 }
          assert.strictEqual(`${rows}: ${tallyText(found)}`, `${rows}: ${tallyText(expected)}`)
        }
      }).pipe(Effect.provideService(Console.Console, silent)),
    120_000
  )
})
