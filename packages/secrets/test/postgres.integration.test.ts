import { describe } from "@effect/vitest"
import { Layer } from "effect"
import { SecretStore } from "../src/index.ts"
import { conformance } from "./conformance.ts"
import { database, keysOf, newKey } from "./fixtures.ts"

describe("conformance", () => {
  conformance("postgres", SecretStore.layerPostgres({ keys: keysOf(newKey("k1")) }).pipe(Layer.provide(database)))
})
