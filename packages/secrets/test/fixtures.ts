/** What several suites here need. */
import { randomBytes } from "node:crypto"
import { PostgresServer } from "@bulkhead/devstack"
import { Database } from "@bulkhead/storage"
import { Effect, Layer, Redacted } from "effect"

/** The text of a new key. */
export const newKey = (id: string): string => `${id}:${randomBytes(32).toString("base64")}`

/** Several keys as the driver takes them. */
export const keysOf = (...keys: ReadonlyArray<string>) => Redacted.make(keys.join(","))

/** A database of its own on a server of its own. */
export const database = Layer.unwrap(
  Effect.gen(function* () {
    const url = yield* (yield* PostgresServer).createDatabase("secrets")
    return Database.layerWith({ url, poolMax: 4 })
  })
).pipe(Layer.provideMerge(PostgresServer.layer()))
