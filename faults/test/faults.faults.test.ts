import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { describe, it } from "vitest"
import { isClean } from "../src/audit.ts"
import { conclude, inflict } from "../src/runFaults.ts"
import { KILL } from "../src/table/core.ts"
import { faults } from "../src/table/index.ts"
import { TheWorld } from "./temporaryWorld.ts"

const TIMEOUT_MS = 120_000

/** New times at each run; the title of a test that fails gives the seed that it had. */
const seed = process.env.FAULTS_SEED ?? String(Date.now() % 1e9)

describe("the table", () => {
  it("has a name of its own for each fault", () => {
    const names = faults.map(({ name }) => name)
    assert.lengthOf(new Set(names), names.length)
  })
})

layer(TheWorld.layer, { excludeTestServices: true, timeout: 60_000 })(`under load, FAULTS_SEED=${seed}`, (it) => {
  for (const fault of faults.filter((one) => one !== KILL)) {
    it.effect(
      `${fault.name}: nothing lost, doubled or out of order`,
      () =>
        Effect.gen(function* () {
          const world = yield* TheWorld
          yield* world.startLoad
          const outcome = yield* inflict(world, fault, seed)
          assert.isTrue(outcome.isOk, outcome.text)
          const found = yield* conclude(world)
          assert.isTrue(
            isClean(found) && found.published > 0 && found.stored === found.published,
            JSON.stringify(found)
          )
        }),
      TIMEOUT_MS
    )
  }
})
