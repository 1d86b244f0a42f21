import { waitUntil } from "@bulkhead/devstack"
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { moveToPrefixes } from "../examples/move-to-prefixes.ts"
import { phaseOf, readJournal } from "../src/index.ts"
import { startInstallation } from "./installation.ts"

it.live("the README's example moves an installation", () =>
  Effect.gen(function* () {
    const installation = yield* startInstallation({ consumers: ["zen-consumer"], publishers: 1, stored: 10 })
    yield* Effect.gen(function* () {
      // It goes on for a window of two minutes, which a test does not wait for.
      yield* Effect.forkScoped(moveToPrefixes())
      const consumerState = Effect.map(readJournal, (entry) => entry?.steps["MoveConsumer events/zen-consumer"]?.state)
      yield* waitUntil(
        "the consumer has moved",
        Effect.map(consumerState, (state) => state === "done")
      )
      const entry = yield* readJournal
      assert.strictEqual(entry === undefined ? undefined : phaseOf(entry), "forward")
    }).pipe(Effect.provideContext(installation.tools))
  })
)
