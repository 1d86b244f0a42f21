import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { connect } from "@nats-io/transport-node"
import { Clock, Effect, type Scope } from "effect"
import { startNatsServer, startPostgresServer } from "../src/index.ts"

/** The fastest of three starts, milliseconds: other programs on the machine may slow one down, and speed none up. */
const fastestStartMs = <E>(start: Effect.Effect<unknown, E, Scope.Scope>) =>
  Effect.gen(function* () {
    const began = yield* Clock.currentTimeMillis
    yield* Effect.scoped(Effect.andThen(start, Effect.void))
    return (yield* Clock.currentTimeMillis) - began
  }).pipe(
    Effect.replicateEffect(3),
    Effect.map((times) => Math.min(...times))
  )

describe("startNatsServer", () => {
  it.live("takes connections in under 10 s, also beside other suites", () =>
    Effect.gen(function* () {
      const connected = Effect.flatMap(startNatsServer(), ({ url }) =>
        Effect.promise(async () => (await connect({ servers: url })).close())
      )
      assert.isBelow(yield* fastestStartMs(connected), 10_000)
    })
  )

  it.live("takes connections again after a kill, at the same place", () =>
    Effect.gen(function* () {
      const server = yield* startNatsServer()
      yield* server.kill
      yield* server.start
      const again = yield* Effect.promise(() => connect({ servers: server.url }))
      yield* Effect.promise(() => again.close())
    })
  )
})

describe("startPostgresServer", () => {
  it.live("has a database of its own in under 10 s, also beside other suites", () =>
    Effect.gen(function* () {
      const ready = Effect.flatMap(startPostgresServer(), (server) => server.createDatabase("suite"))
      assert.isBelow(yield* fastestStartMs(ready), 10_000)
    })
  )

  it.live("keeps committed rows over a kill", () =>
    Effect.gen(function* () {
      const server = yield* startPostgresServer()
      const url = yield* server.createDatabase("suite")
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
