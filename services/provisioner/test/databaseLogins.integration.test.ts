import { startPostgresServer } from "@bulkhead/devstack"
import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import { prepareDatabase } from "../src/databaseLogins.ts"

const ask = (url: string, statement: string) =>
  Effect.flatMap(PgClient.PgClient, (sql) => sql.unsafe(statement)).pipe(
    Effect.provide(PgClient.layer({ url: Redacted.make(url), maxConnections: 1 }))
  )

describe("prepareDatabase", () => {
  it.live("makes logins that can do what their services need, and follows a changed password", () =>
    Effect.gen(function* () {
      const server = yield* startPostgresServer()
      const url = (name: string, password: string) => `postgres://${name}:${password}@127.0.0.1:${server.port}/shop`
      const urls = (corePassword: string) => ({
        core: Redacted.make(url("shop_core", corePassword)),
        "account-signer": Redacted.make(url("shop_signer", "it%27s%20secret")),
        "db-event-writer": Redacted.make(url("shop_writer", "w"))
      })
      yield* prepareDatabase(server.url(), urls("first"))
      yield* ask(url("shop_core", "first"), "create role tenant_x nologin")
      yield* ask(url("shop_signer", "it%27s%20secret"), "create schema bulkhead_signer")
      const refused = yield* Effect.flip(ask(url("shop_writer", "w"), "create schema other"))
      assert.include(String((refused as SqlError).reason.cause), "permission denied")

      const verifier = ask(
        Redacted.value(server.url()),
        "select rolpassword from pg_authid where rolname = 'shop_core'"
      )
      const before = yield* verifier
      const lines = yield* prepareDatabase(server.url(), urls("second"))
      assert.include(lines, "core: login shop_core")
      assert.notDeepEqual(yield* verifier, before)
    })
  )

  it.live("refuses a URL without password before anything is made, and does not show it", () =>
    Effect.gen(function* () {
      const urls = { core: Redacted.make("postgres://shop_core@db:5432/shop?secret=hidden") }
      const error = yield* Effect.flip(prepareDatabase(Redacted.make("postgres://x:y@127.0.0.1:1/z"), urls))
      assert.include(error.message, "The URL of core names no login, password or database")
      assert.notInclude(error.message, "hidden")
    })
  )
})
