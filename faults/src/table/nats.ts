/** What happens to nats-server: its process, its disk, its streams and consumers. */
import { streamName } from "@bulkhead/channels"
import { waitUntil } from "@bulkhead/devstack"
import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream"
import { connect } from "@nats-io/transport-node"
import { Effect, Random } from "effect"
import { type Fault, fault, freeze, must, sleepSome, someMs, stutter } from "../Fault.ts"
import type { TenantLoad } from "../TenantLoad.ts"
import type { World } from "../World.ts"

const down = (how: "stop" | "kill") => (world: World) =>
  Effect.gen(function* () {
    yield* world.nats[how]
    const downMs = yield* sleepSome(0, Math.min(2_000, world.longestMs))
    yield* world.nats.start
    return `down for ${downMs} ms`
  })

/** An operator's connection, past all wires. */
const operator = ({ nats }: World) =>
  Effect.acquireRelease(
    Effect.promise(() => connect({ servers: nats.url })),
    (connection) => Effect.promise(() => connection.close())
  ).pipe(Effect.flatMap((connection) => Effect.promise(() => jetstreamManager(connection))))

const consumersDeleted = fault("consumers deleted by an operator", (world) =>
  Effect.gen(function* () {
    const manager = yield* operator(world)
    let deleted = 0
    for (const { slug } of world.tenants) {
      const stream = streamName(slug)
      const consumers = yield* Effect.promise(() => manager.consumers.list(stream).next())
      for (const { name } of consumers) {
        if (yield* Effect.promise(() => manager.consumers.delete(stream, name))) deleted += 1
      }
    }
    yield* must(deleted > 0, "core has no consumer on any stream")
    return `${deleted} of them`
  })
)

/** Leaves a stream so many bytes of room, until the scope closes. */
const shrink = (manager: JetStreamManager, stream: string, roomBytes: number) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const { config, state } = await manager.streams.info(stream)
      await manager.streams.update(stream, { max_bytes: state.bytes + roomBytes })
      return config.max_bytes
    }),
    (bytesMax) => Effect.promise(() => manager.streams.update(stream, { max_bytes: bytesMax }))
  )

/** A stream refuses, its publisher repeats; then an operator removes what is written already, and all goes on. */
const streamFull = fault("stream full", (world) =>
  Effect.gen(function* () {
    const manager = yield* operator(world)
    const full: TenantLoad = yield* Random.choice(world.tenants.slice(0, 2))
    const others = world.tenants.filter((tenant) => tenant !== full)
    const stream = streamName(full.slug)
    const refusedBefore = full.refusals
    yield* shrink(manager, stream, yield* Random.nextIntBetween(0, 100_000))
    yield* waitUntil(
      "the stream refuses",
      Effect.sync(() => full.refusals > refusedBefore),
      "30 seconds"
    )
    yield* Effect.forEach(others, (tenant) => tenant.publish(1))
    yield* must(yield* world.caughtUp(others), `the other tenants stand still while "${stream}" is full`)
    yield* must(yield* world.caughtUp([full]), `what "${stream}" took is not written`)
    const written = full.ledger.newest?.sequence ?? 0
    const { purged } = yield* Effect.promise(() => manager.streams.purge(stream, { seq: written + 1 }))
    yield* waitUntil(
      "it takes again",
      Effect.sync(() => (full.ledger.newest?.sequence ?? 0) > written),
      "30 seconds"
    )
    return `"${stream}", ${full.refusals - refusedBefore} refusals, ${purged} written messages purged`
  })
)

export const natsFaults: ReadonlyArray<Fault> = [
  fault("nats-server restarted (SIGTERM)", down("stop")),
  fault("nats-server killed (kill -9)", down("kill")),
  fault("nats-server frozen (SIGSTOP)", ({ nats, longestMs }) => freeze(nats, 500, longestMs)),
  fault("slow disk of nats-server: it stutters", ({ nats, longestMs }) =>
    Effect.flatMap(someMs(1_000, longestMs), (ms) => stutter(nats, 100, ms))
  ),
  consumersDeleted,
  streamFull
]
