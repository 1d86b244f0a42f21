/**
 * The same kill, survived in two other ways: by a consumer that the server pins to one of its clients, and by a singleton
 * of effect/cluster.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { join } from "node:path"
import { freePort, waitUntil } from "@bulkhead/devstack"
import { AckPolicy, jetstream, jetstreamManager } from "@nats-io/jetstream"
import { connect } from "@nats-io/transport-node"
import { Effect } from "effect"
import type { ReplicaServers } from "../../services/core/test/replicaHarness.ts"

const PIN_TIMEOUT_MS = 4_000
const NANOS = 1_000_000

const startChild = (file: string, environment: Record<string, string>) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const child = spawn(process.execPath, ["--conditions=@bulkhead/source", join(import.meta.dirname, file)], {
        env: { PATH: process.env.PATH, ...environment },
        stdio: ["ignore", "pipe", "inherit"]
      })
      return child
    }),
    (child) => Effect.sync(() => child.kill("SIGKILL"))
  )

/** When a child printed last, milliseconds; 0 for never. */
const lastPrint = (child: ChildProcess) => {
  let atMs = 0
  child.stdout?.on("data", () => {
    atMs = Date.now()
  })
  return () => atMs
}

/** From kill -9 of the pinned client to the next message of the other. */
export const pinnedTakeover = Effect.fnUntraced(function* (servers: ReplicaServers, round: number) {
  const stream = `pinned-${round}`
  const connection = yield* Effect.acquireRelease(
    Effect.promise(() => connect({ servers: servers.nats.url })),
    (open) => Effect.promise(() => open.close())
  )
  yield* Effect.promise(async () => {
    const manager = await jetstreamManager(connection)
    await manager.streams.add({ name: stream, subjects: [stream] })
    await manager.consumers.add(stream, {
      durable_name: "lane",
      ack_policy: AckPolicy.All,
      priority_groups: ["lane"],
      priority_policy: "pinned_client",
      priority_timeout: PIN_TIMEOUT_MS * NANOS
    })
  })
  yield* Effect.promise(() => jetstream(connection).publish(stream, "x")).pipe(
    Effect.andThen(Effect.sleep("20 millis")),
    Effect.forever,
    Effect.forkScoped
  )
  const environment = { NATS_URL: servers.nats.url, STREAM: stream, DURABLE: "lane" }
  const first = yield* startChild("pinnedClient.ts", environment)
  const firstAt = lastPrint(first)
  yield* waitUntil(
    "the first client reads",
    Effect.sync(() => firstAt() > 0)
  )
  const second = yield* startChild("pinnedClient.ts", environment)
  const secondAt = lastPrint(second)
  // Long enough for it to pull and to be told to wait.
  yield* Effect.sleep("3 seconds")
  if (secondAt() > 0) return yield* Effect.die(new Error("the consumer is not pinned"))
  first.kill("SIGKILL")
  const killedAtMs = Date.now()
  yield* waitUntil(
    "the second client reads",
    Effect.sync(() => secondAt() > 0),
    "180 seconds"
  )
  return secondAt() - killedAtMs
})

/** From kill -9 of the runner that has the singleton to the next row of the other. */
export const clusterTakeover = Effect.fnUntraced(function* (servers: ReplicaServers) {
  yield* servers.query(
    "create table if not exists cluster_rows (runner integer, at timestamptz default clock_timestamp())"
  )
  yield* servers.query("truncate cluster_rows")
  const rowsOf = (child: ChildProcess) =>
    Effect.map(
      servers.query<{ at: Date | null }>("select min(at) as at from cluster_rows where runner = $1", [child.pid]),
      ([row]) => row?.at ?? undefined
    )
  const environment = { DATABASE_URL: servers.environment.DATABASE_URL ?? "" }
  const start = Effect.gen(function* () {
    return yield* startChild("clusterRunner.ts", { ...environment, RUNNER_PORT: String(yield* freePort) })
  })
  const children = [yield* start, yield* start] as const
  const owner = Effect.gen(function* () {
    for (const child of children) if ((yield* rowsOf(child)) !== undefined) return child
    return undefined
  })
  yield* waitUntil(
    "the singleton runs",
    Effect.map(owner, (child) => child !== undefined),
    "90 seconds"
  )
  // The second runner may take it over when it joins.
  yield* Effect.sleep("8 seconds")
  yield* servers.query("truncate cluster_rows")
  yield* waitUntil(
    "it still runs",
    Effect.map(owner, (child) => child !== undefined),
    "90 seconds"
  )
  const victim = yield* owner
  const other = children.find((child) => child !== victim) ?? children[0]
  victim?.kill("SIGKILL")
  const killedAtMs = Date.now()
  yield* waitUntil(
    "the other runner has it",
    Effect.map(rowsOf(other), (at) => at !== undefined),
    "120 seconds"
  )
  return ((yield* rowsOf(other))?.getTime() ?? 0) - killedAtMs
})
