/** Somebody changes by hand what core had made, while nothing flows: core finds it, makes it again, and says so. */
import type { TenantSlug } from "@bulkhead/channels"
import { waitUntil } from "@bulkhead/devstack"
import { assert, describe, it } from "@effect/vitest"
import { jetstreamManager, StorageType } from "@nats-io/jetstream"
import { connect } from "@nats-io/transport-node"
import { Effect } from "effect"
import { misstored, type ReplicaServers, startReplicaHere, startReplicaServers } from "./replicaHarness.ts"

const QUICK = { CORE_DRIFT_MS: "300", CORE_RECONCILE_MS: "300" }

const slug = "acme" as TenantSlug
const params = { slug }

/** A tenant that has stored one event and is idle. */
const startIdle = Effect.fnUntraced(function* (change: Record<string, string> = {}) {
  const servers = yield* startReplicaServers
  const { api, registry } = yield* startReplicaHere(servers, { ...QUICK, ...change })
  yield* api.tenants.create({ payload: { slug, name: "Acme", plan: "free" } })
  yield* servers.publish(slug, 0)
  assert.deepStrictEqual(yield* misstored(servers, [slug], 1), [])
  const health = api.health.get({ params })
  // Its own life is told in its stream too, a moment later; a lane that still writes would find the fault itself.
  yield* waitUntil(
    "nothing is on its way to it",
    Effect.gen(function* () {
      const waiting = yield* servers.query("select from bulkhead.outbox")
      const { lagMessages, eventsIn } = yield* health
      return waiting.length === 0 && eventsIn >= 2 && lagMessages === 0
    })
  )
  const isActive = Effect.map(health, ({ status, reason }) => status === "active" && reason === undefined)
  const figure = (name: string) =>
    Effect.promise(async () => {
      const { values } = (await registry.getSingleMetric(name)?.get()) ?? { values: [] }
      return values.find(({ labels }) => labels.tenant === slug)?.value ?? 0
    })
  return { servers, api, health, isActive, figure }
})

const inJetStream = <A>(
  servers: ReplicaServers,
  use: (manager: Awaited<ReturnType<typeof jetstreamManager>>) => Promise<A>
) =>
  Effect.promise(async () => {
    const connection = await connect({ servers: servers.nats.url })
    try {
      return await use(await jetstreamManager(connection))
    } finally {
      await connection.close()
    }
  })

describe.each([
  ["the schema", ["drop schema tenant_acme cascade"]],
  ["schema and role", ["drop owned by tenant_acme cascade", "drop role tenant_acme"]]
])("%s of an idle tenant dropped", (_, statements) => {
  it.live("is found and told of, and what the stream still has is written again", () =>
    Effect.gen(function* () {
      const { servers, health, isActive, figure } = yield* startIdle()
      for (const statement of statements) yield* servers.query(statement)
      yield* waitUntil(
        "it is told of",
        Effect.map(health, ({ lastError = "" }) => /dropped or changed by somebody else/.test(lastError))
      )
      yield* waitUntil("the lane runs again", isActive)
      assert.isAtLeast(yield* figure("bulkhead_tenant_drifts_total"), 1)
      yield* servers.publish(slug, 1)
      assert.deepStrictEqual(yield* misstored(servers, [slug], 2), [])
    })
  )
})

describe("the durable consumer of an idle tenant deleted", () => {
  it.live("is found and told of, and the lane goes on where it was", () =>
    Effect.gen(function* () {
      const { servers, health, isActive } = yield* startIdle()
      yield* inJetStream(servers, ({ consumers }) => consumers.delete("events-acme", "event-writer"))
      yield* waitUntil(
        "it is told of",
        Effect.map(health, ({ lastError = "" }) => lastError.includes('"event-writer"'))
      )
      yield* waitUntil("the lane runs again", isActive)
      yield* servers.publish(slug, 1)
      assert.deepStrictEqual(yield* misstored(servers, [slug], 2), [])
    })
  )
})

describe("the stream of an idle tenant deleted", () => {
  it.live("is found and told of, and made anew", () =>
    Effect.gen(function* () {
      const { servers, health, isActive } = yield* startIdle()
      yield* inJetStream(servers, ({ streams }) => streams.delete("events-acme"))
      yield* waitUntil(
        "it is told of",
        Effect.map(health, ({ lastError = "" }) => lastError.includes('"events-acme"'))
      )
      yield* waitUntil("the lane runs again", isActive)
      yield* servers.publish(slug, 1)
      assert.deepStrictEqual(yield* misstored(servers, [slug], 2), [])
    })
  )
})

describe("a notice that got lost", () => {
  it.live("costs no more than a period", () =>
    Effect.gen(function* () {
      const { servers, api } = yield* startIdle()
      yield* servers.query("alter table bulkhead.tenants disable trigger tell")
      yield* servers.query(
        "insert into bulkhead.tenants (slug, name, plan, status) values ('globex', 'Globex', 'free', 'provisioning')"
      )
      yield* waitUntil(
        "it is active all the same",
        Effect.map(api.health.get({ params: { slug: "globex" as TenantSlug } }), ({ status }) => status === "active")
      )
    })
  )
})

describe("a tenant that cannot work", () => {
  it.live("uses up its restart budget, is told of, keeps its reason, and comes back when the cause is gone", () =>
    Effect.gen(function* () {
      const { servers, api, health, isActive, figure } = yield* startIdle({
        CORE_RESTARTS_MAX: "3",
        CORE_RETRY_RARE_MS: "1000"
      })
      yield* inJetStream(servers, async ({ streams }) => {
        await streams.delete("events-acme")
        await streams.add({ name: "events-acme", subjects: ["acme.events.>"], storage: StorageType.Memory })
      })
      yield* waitUntil(
        "the budget is used up",
        Effect.map(
          health,
          ({ status, reason = "" }) =>
            status === "degraded" && /restart budget of 3 in 300000 ms is used up: .*storage "memory"/.test(reason)
        )
      )
      assert.strictEqual(yield* figure("bulkhead_tenant_restart_budget_used_up_total"), 1)
      const neighbour = { slug: "globex" as TenantSlug, name: "Globex", plan: "free" } as const
      assert.deepInclude(yield* api.tenants.create({ payload: neighbour }), { status: "active" })
      yield* inJetStream(servers, ({ streams }) => streams.delete("events-acme"))
      yield* waitUntil("it works again", isActive)
    })
  )
})

describe("nats-server away", () => {
  it.live("costs a tenant nothing of its restart budget", () =>
    Effect.gen(function* () {
      const { servers, health, isActive, figure } = yield* startIdle({ CORE_RESTARTS_MAX: "1" })
      yield* servers.nats.stop
      yield* waitUntil(
        "it is noticed",
        Effect.map(health, ({ status }) => status === "degraded")
      )
      yield* servers.nats.start
      yield* waitUntil("the lane runs again", isActive, "30 seconds")
      assert.strictEqual(yield* figure("bulkhead_tenant_restart_budget_used_up_total"), 0)
    })
  )
})
