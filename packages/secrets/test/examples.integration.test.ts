import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Redacted } from "effect"
import { seedOf } from "../examples/keep-a-seed.ts"
import { SecretStore } from "../src/index.ts"
import { database, keysOf, newKey } from "./fixtures.ts"

const store = SecretStore.layerPostgres({ keys: keysOf(newKey("k1")) }).pipe(Layer.provide(database))

layer(store, { excludeTestServices: true })("examples/keep-a-seed", (it) => {
  it.effect("gives everybody the first seed", () =>
    Effect.gen(function* () {
      for (const made of ["first", "second"]) {
        assert.strictEqual(Redacted.value(yield* seedOf("acme", Redacted.make(made))), "first")
      }
    })
  )
})
