/**
 * One of two runners of effect/cluster with one singleton, which writes a row every 20 ms. `DATABASE_URL` says where,
 * `RUNNER_PORT` on which port it is reached.
 */
import * as NodeClusterSocket from "@effect/platform-node/NodeClusterSocket"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { PgClient } from "@effect/sql-pg"
import { Effect, Layer, Option, Redacted } from "effect"
import { RunnerAddress, Singleton } from "effect/cluster"

const { DATABASE_URL = "", RUNNER_PORT = "" } = process.env

const lane = Singleton.make(
  "lane",
  Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    return yield* sql`insert into cluster_rows (runner) values (${process.pid})`.pipe(
      Effect.andThen(Effect.sleep("20 millis")),
      Effect.forever
    )
  })
)

lane.pipe(
  Layer.provide(
    NodeClusterSocket.layer({
      shardingConfig: {
        runnerAddress: Option.some(RunnerAddress.make("127.0.0.1", Number(RUNNER_PORT))),
        // Nearly as short as core's own times; by default a lock lives for 35 s.
        shardLockExpiration: "6 seconds",
        shardLockRefreshInterval: "2 seconds",
        refreshAssignmentsInterval: "1 second"
      }
    })
  ),
  Layer.provide(PgClient.layer({ url: Redacted.make(DATABASE_URL) })),
  Layer.launch,
  NodeRuntime.runMain
)
