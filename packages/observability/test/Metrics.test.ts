import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Metrics } from "../src/index.ts"

describe("Metrics.tenantLabel", () => {
  it.effect("gives the first tenants labels of their own, and the others one for all", () =>
    Effect.gen(function* () {
      const { tenantLabel } = yield* Metrics
      assert.deepStrictEqual(["a", "b", "c", "a", "d", "b"].map(tenantLabel), ["a", "b", "_other", "a", "_other", "b"])
    }).pipe(Effect.provide(Metrics.layer("test", "1", 2)))
  )
})
