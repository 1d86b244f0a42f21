import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { isClean } from "../src/audit.ts"
import { conclude, inflict } from "../src/runFaults.ts"
import { KILL } from "../src/table/core.ts"
import { TheWorld } from "./temporaryWorld.ts"

const KILLS = 20
const TIMEOUT_MS = 300_000

const seed = process.env.FAULTS_SEED ?? String(Date.now() % 1e9)

layer(TheWorld.layer, { excludeTestServices: true, timeout: 60_000 })(`under load, FAULTS_SEED=${seed}`, (it) => {
  it.effect(
    `core killed ${KILLS} times at random points: nothing lost, doubled or out of order`,
    () =>
      Effect.gen(function* () {
        const world = yield* TheWorld
        yield* world.startLoad
        for (let kill = 0; kill < KILLS; kill++) {
          const outcome = yield* inflict(world, KILL, `${seed}/${kill}`)
          assert.isTrue(outcome.isOk, `${kill}: ${outcome.text}`)
        }
        const found = yield* conclude(world)
        assert.isTrue(isClean(found) && found.published > 0 && found.stored === found.published, JSON.stringify(found))
      }),
    TIMEOUT_MS
  )
})
