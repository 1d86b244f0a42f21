import type { TenantSlug } from "@bulkhead/channels"
import { waitUntil } from "@bulkhead/devstack"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import { claimsOf, type ReplicaServers, startReplicaHere, startReplicaServers } from "./replicaHarness.ts"

const SLUGS = Array.from({ length: 16 }, (_, index) => `tenant-${index}` as TenantSlug)

type Api = Effect.Success<ReturnType<typeof startReplicaHere>>["api"]

/** What the monitoring endpoint says of streams. */
interface JetStreams {
  readonly account_details: ReadonlyArray<{
    readonly stream_detail: ReadonlyArray<{ readonly name: string; readonly state: { readonly messages: number } }>
  }>
}

const createAll = (api: Api) =>
  Effect.forEach(SLUGS, (slug) => api.tenants.create({ payload: { slug, name: slug, plan: "free" } }), {
    concurrency: 4,
    discard: true
  })

const owners = (servers: ReplicaServers) =>
  Effect.map(claimsOf(servers), (claims) => new Set(claims.map(({ replica }) => replica)))

const areOwners = (servers: ReplicaServers, count: number) => Effect.map(owners(servers), ({ size }) => size === count)

describe("replicas", () => {
  it.live("share the tenants; one that joins takes its share, and what stays where it is is not touched", () =>
    Effect.gen(function* () {
      const servers = yield* startReplicaServers
      const first = yield* startReplicaHere(servers)
      yield* createAll(first.api)
      const before = yield* claimsOf(servers)
      assert.strictEqual(new Set(before.map(({ replica }) => replica)).size, 1)
      const joined = yield* Scope.make()
      yield* startReplicaHere(servers).pipe(Scope.provide(joined))
      yield* waitUntil("two share them", areOwners(servers, 2))
      const shared = yield* claimsOf(servers)
      const stayed = shared.filter(({ replica }) => replica === before[0]?.replica)
      for (const claim of stayed) assert.deepInclude(before, claim)
      const health = yield* first.api.health.list()
      assert.deepStrictEqual(
        health.map(({ restarts }) => restarts),
        health.map(() => 0)
      )
      yield* Scope.close(joined, Exit.void)
      yield* waitUntil("one has them all again", areOwners(servers, 1))
    })
  )

  it.live("each answer for all tenants: who runs one, and how it is", () =>
    Effect.gen(function* () {
      const servers = yield* startReplicaServers
      const replicas = [yield* startReplicaHere(servers), yield* startReplicaHere(servers)] as const
      yield* createAll(replicas[0].api)
      yield* waitUntil("two share them", areOwners(servers, 2))
      for (const { api } of replicas) {
        yield* waitUntil(
          "every tenant is known as active",
          Effect.gen(function* () {
            const claims = yield* claimsOf(servers)
            const health = yield* api.health.list()
            return (
              health.every(({ status }) => status === "active") &&
              health.map(({ tenant, replica }) => `${tenant} ${replica}`).join() ===
                claims.map(({ name, replica }) => `${name} ${replica}`).join()
            )
          })
        )
      }
    })
  )

  it.live("wait until what they were asked for is in force, whichever of them runs the tenant", () =>
    Effect.gen(function* () {
      const servers = yield* startReplicaServers
      const replicas = [yield* startReplicaHere(servers), yield* startReplicaHere(servers)] as const
      for (const [index, { api }] of replicas.entries()) {
        for (let number = 0; number < 6; number++) {
          const slug = `of-${index}-${number}` as TenantSlug
          const params = { slug }
          const made = yield* api.tenants.create({ payload: { slug, name: slug, plan: "free" } })
          assert.deepInclude(made, { status: "active", appliedGeneration: 1 })
          assert.deepInclude(yield* api.tenants.suspend({ params }), { status: "suspended", appliedGeneration: 2 })
          assert.deepInclude(yield* api.tenants.resume({ params }), { status: "active", appliedGeneration: 3 })
          assert.deepInclude(yield* api.tenants.delete({ params }), { slug, database: { schema: false, role: false } })
        }
      }
      const asked = yield* servers.query("select from bulkhead.erasures")
      assert.lengthOf(asked, 12)
    })
  )

  it.live("publish each lifecycle message once, and have each duty in one place", () =>
    Effect.gen(function* () {
      const servers = yield* startReplicaServers
      const replicas = [yield* startReplicaHere(servers), yield* startReplicaHere(servers)] as const
      yield* createAll(replicas[0].api)
      yield* waitUntil(
        "the outbox is empty",
        Effect.map(servers.query("select from bulkhead.outbox"), (rows) => rows.length === 0)
      )
      const { account_details: accounts } = yield* Effect.promise(() =>
        fetch(`${servers.nats.monitorUrl}/jsz?streams=true`).then((response) => response.json() as Promise<JetStreams>)
      )
      const streams = accounts.flatMap(({ stream_detail: details }) => details)
      // Each tenant was created and became active; the default one was there.
      assert.strictEqual(
        streams.find(({ name }) => name === "TENANT_PROVISIONING")?.state.messages,
        2 * SLUGS.length + 1
      )
      const duties = yield* servers.query<{ name: string; replica: string }>(
        "select name, replica from bulkhead.claims where kind = 'duty'"
      )
      assert.sameMembers(
        duties.map(({ name }) => name),
        ["lag-watch", "lifecycle-relay", "retention", "rules-relay"]
      )
    })
  )
})
