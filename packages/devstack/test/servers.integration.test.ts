import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { connect } from "@nats-io/transport-node"
import { Clock, Effect } from "effect"
import { startNatsServer, startPostgresServer } from "../src/index.ts"

describe("startNatsServer", () => {
  it.live("takes connections in under 2 s and again after a kill", () =>
    Effect.gen(function* () {
      const began = yield* Clock.currentTimeMillis
      const server = yield* startNatsServer()
      const connection = yield* Effect.promise(() => connect({ servers: server.url }))
      assert.isBelow((yield* Clock.currentTimeMillis) - began, 2_000)
      yield* Effect.promise(() => connection.close())
      yield* server.kill
      yield* server.start
      const again = yield* Effect.promise(() => connect({ servers: server.url }))
      yield* Effect.promise(() => again.close())
    })
  )
})

describe("startPostgresServer", () => {
  it.live("takes connections in under 2 s and keeps committed rows over a kill", () =>
    Effect.gen(function* () {
      const began = yield* Clock.currentTimeMillis
      const server = yield* startPostgresServer()
      const url = yield* server.createDatabase("suite")
      assert.isBelow((yield* Clock.currentTimeMillis) - began, 2_000)
      const query = <A>(text: string) =>
        Effect.flatMap(PgClient.PgClient, (sql) => sql.unsafe<A & object>(text)).pipe(
          Effect.provide(PgClient.layer({ url }))
        )
      yield* query("create table t (n int)")
      yield* query("insert into t values (7)")
      yield* server.kill
      yield* server.start
      assert.deepStrictEqual(yield* query<{ n: number }>("select n from t"), [{ n: 7 }])
    })
  )
})
