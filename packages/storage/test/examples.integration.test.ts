import { assert, describe, layer } from "@effect/vitest"
import { Effect } from "effect"
import { writeOne } from "../examples/write-a-batch.ts"
import { storage } from "./fixtures.ts"

describe("examples/write-a-batch", () => {
  layer(storage, { excludeTestServices: true })((it) => {
    it.effect("moves the watermark by one each time", () =>
      Effect.gen(function* () {
        assert.strictEqual(yield* writeOne, 1)
        assert.strictEqual(yield* writeOne, 2)
      })
    )
  })
})
