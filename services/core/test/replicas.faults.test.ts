import { waitUntil } from "@bulkhead/devstack"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import {
  type CoreReplica,
  claimsOf,
  createTenants,
  isSharedBy,
  misstored,
  type ReplicaServers,
  startLoad,
  startReplica,
  startReplicaServers
} from "./replicaHarness.ts"

const SLUGS = Array.from({ length: 12 }, (_, index) => `tenant-${index}`)
const MOVED_WITHIN = "10 seconds"

const isAllOf = (servers: ReplicaServers, replica: CoreReplica) =>
  Effect.map(claimsOf(servers), (claims) => claims.every((claim) => claim.replica === replica.id))

/** Two replicas that share twelve tenants, under load. */
const startPair = Effect.gen(function* () {
  const servers = yield* startReplicaServers
  const first = yield* startReplica(servers)
  const second = yield* startReplica(servers)
  yield* createTenants(first, SLUGS)
  yield* waitUntil("the tenants are shared", isSharedBy(servers, [first, second]))
  const load = yield* startLoad(servers, SLUGS)
  yield* waitUntil(
    "the load runs",
    Effect.sync(() => load.published() > 20)
  )
  return { servers, first, second, load }
})

/** A row of a time after `after` in every tenant: each lane runs. */
const everyLaneWrites = (servers: ReplicaServers, after: number) =>
  Effect.map(
    Effect.forEach(SLUGS, (slug) =>
      servers.query(
        `select from ${`tenant_${slug.replaceAll("-", "_")}`}.ocsf_events where (unmapped->>'number')::int > $1 limit 1`,
        [after]
      )
    ),
    (found) => found.every((rows) => rows.length > 0)
  )

describe("a replica killed under load", () => {
  it.live(
    "loses its tenants to the other within 10 s, and nothing is lost or doubled",
    () =>
      Effect.gen(function* () {
        const { servers, first, second, load } = yield* startPair
        yield* second.signal("SIGKILL")
        const killedAt = load.published()
        yield* waitUntil("the other has them all", isAllOf(servers, first), MOVED_WITHIN)
        yield* waitUntil("every lane writes", everyLaneWrites(servers, killedAt + 1), MOVED_WITHIN)
        const published = yield* load.stop
        assert.deepStrictEqual(yield* misstored(servers, SLUGS, published), [])
      }),
    90_000
  )
})

describe("a replica frozen under load", () => {
  it.live(
    "loses its tenants to the other within 10 s, gets its share again when it goes on, and nothing is lost or doubled",
    () =>
      Effect.gen(function* () {
        const { servers, first, second, load } = yield* startPair
        const before = yield* claimsOf(servers)
        yield* second.signal("SIGSTOP")
        const frozenAt = load.published()
        yield* waitUntil("the other has them all", isAllOf(servers, first), MOVED_WITHIN)
        yield* waitUntil("every lane writes", everyLaneWrites(servers, frozenAt + 1), MOVED_WITHIN)
        const thawedAt = load.published()
        yield* second.signal("SIGCONT")
        yield* waitUntil("the tenants are shared again", isSharedBy(servers, [first, second]))
        const after = yield* claimsOf(servers)
        assert.deepStrictEqual(
          after.map(({ name, replica }) => [name, replica]),
          before.map(({ name, replica }) => [name, replica])
        )
        yield* waitUntil("every lane writes", everyLaneWrites(servers, thawedAt + 1), MOVED_WITHIN)
        const published = yield* load.stop
        assert.deepStrictEqual(yield* misstored(servers, SLUGS, published), [])
      }),
    90_000
  )
})

describe("a replica stopped in order", () => {
  it.live(
    "hands its tenants over at once",
    () =>
      Effect.gen(function* () {
        const { servers, first, second, load } = yield* startPair
        yield* second.signal("SIGTERM")
        yield* waitUntil("the other has them all", isAllOf(servers, first), "3 seconds")
        const published = yield* load.stop
        assert.deepStrictEqual(yield* misstored(servers, SLUGS, published), [])
      }),
    90_000
  )
})
