/**
 * How long a tenant is without a writer when its replica of core is killed or frozen: from the signal to the first row
 * that its successor commits, under a steady load. The limit is what the platform promises.
 */
import { schemaName, type TenantSlug } from "@bulkhead/channels"
import { waitUntil } from "@bulkhead/devstack"
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
} from "../services/core/test/replicaHarness.ts"
import { clusterTakeover, pinnedTakeover } from "./alternatives/takeover.ts"
import { median } from "./median.ts"
import type { Benchmark } from "./run.ts"

const TENANTS = 24
const KILLS = 5
const FREEZES = 3
const CLUSTER_KILLS = 3
const LIMIT_MS = 10_000
/** A commit of the victim may still be on its way. */
const SETTLE_MS = 50

const SLUGS = Array.from({ length: TENANTS }, (_, index) => `tenant-${index}`)

/** Milliseconds from the signal to the first row after it, for each tenant that the victim had. */
const takeover = Effect.fnUntraced(function* (servers: ReplicaServers, victim: CoreReplica, signal: NodeJS.Signals) {
  const claims = yield* claimsOf(servers)
  const moved = claims.filter(({ replica, name }) => replica === victim.id && SLUGS.includes(name))
  yield* victim.signal(signal)
  const sentAtMs = Date.now()
  const firstRowMs = (slug: string) =>
    Effect.map(
      servers.query<{ at: Date | null }>(
        `select min(created_at) as at from ${schemaName(slug as TenantSlug)}.ocsf_events where created_at > $1`,
        [new Date(sentAtMs + SETTLE_MS)]
      ),
      ([row]) => (row?.at == null ? undefined : row.at.getTime() - sentAtMs)
    )
  const times = new Map<string, number>()
  yield* waitUntil(
    "every lane writes again",
    Effect.gen(function* () {
      for (const { name } of moved) {
        if (times.has(name)) continue
        const ms = yield* firstRowMs(name)
        if (ms !== undefined) times.set(name, ms)
      }
      return times.size === moved.length
    }),
    "120 seconds"
  )
  return [...times.values()]
})

const measure = Effect.gen(function* () {
  const servers = yield* startReplicaServers
  const stays = yield* startReplica(servers)
  yield* createTenants(stays, SLUGS)
  const load = yield* startLoad(servers, SLUGS)
  const round = (signal: NodeJS.Signals) =>
    Effect.scoped(
      Effect.gen(function* () {
        const victim = yield* startReplica(servers)
        yield* waitUntil("the tenants are shared", isSharedBy(servers, [stays, victim]))
        return yield* takeover(servers, victim, signal)
      })
    )
  const killed = (yield* Effect.replicateEffect(round("SIGKILL"), KILLS)).flat()
  const frozen = (yield* Effect.replicateEffect(round("SIGSTOP"), FREEZES)).flat()
  const published = yield* load.stop
  const wrong = yield* misstored(servers, SLUGS, published)
  const pinned = yield* Effect.forEach(Array.from({ length: KILLS }).keys(), (round) =>
    Effect.scoped(pinnedTakeover(servers, round))
  )
  const cluster = yield* Effect.replicateEffect(Effect.scoped(clusterTakeover(servers)), CLUSTER_KILLS)
  return { killed, frozen, wrong, pinned, cluster }
})

const text = (what: string, values: ReadonlyArray<number>) =>
  `${what} ${median(values).toFixed(0)} ms (median of ${values.length}, longest ${Math.max(...values)} ms)`

export const benchmark: Benchmark = async () => {
  const { killed, frozen, wrong, pinned, cluster } = await Effect.runPromise(Effect.scoped(measure))
  const ratio = Math.max(...killed, ...frozen) / LIMIT_MS
  const figures = [
    text(`tenants after ${KILLS} kill -9:`, killed),
    text(`tenants after ${FREEZES} SIGSTOP:`, frozen),
    text("a pinned client instead:", pinned),
    text("effect/cluster instead:", cluster)
  ]
  const audit = wrong.length === 0 ? "all stored once and in order" : `WRONG: ${wrong.length} tenants`
  return { ratio, isGood: ratio <= 1 && wrong.length === 0, text: `of 10 s: ${figures.join("; ")}; ${audit}` }
}
