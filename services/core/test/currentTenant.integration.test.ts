/** Whatever runs for a tenant knows for which: no fiber of an actor is without its tenant, and none has another's. */
import { schemaName, type TenantSlug } from "@bulkhead/channels"
import { waitUntil } from "@bulkhead/devstack"
import { CurrentTenant } from "@bulkhead/tenancy"
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Fiber, Option, Tracer } from "effect"
import { startReplicaHere, startReplicaServers } from "./replicaHarness.ts"

const SLUGS = ["acme", "globex"].map((slug) => slug as TenantSlug)

/** The steps of an actor, in its own fiber and in those that it forks. */
const STEPS = [
  "TenantSchemas.provision",
  "TenantActor.provisionStorage",
  "TenantActor.ensureAccount",
  "TenantActor.settle",
  "seatLane",
  "openBatchConsumer",
  "LaneStore.commit",
  "eraseTenant",
  "TenantSchemas.erase"
]

/** The tenant of the fiber that begins each span. */
const watchTenants = () => {
  const seen = new Map<string, Set<string | undefined>>()
  const tracer = Tracer.make({
    span: (options) => {
      const context = Fiber.getCurrent()?.context ?? Context.empty()
      const tenant = Option.map(Context.getOption(context, CurrentTenant), ({ slug }) => slug)
      const tenants = seen.get(options.name) ?? new Set()
      seen.set(options.name, tenants.add(Option.getOrUndefined(tenant)))
      return new Tracer.NativeSpan(options)
    }
  })
  return { seen, tracer }
}

describe("the current tenant", () => {
  it.live("is there in every step of every actor", () =>
    Effect.gen(function* () {
      const servers = yield* startReplicaServers
      const { seen, tracer } = watchTenants()
      const { api } = yield* startReplicaHere(servers).pipe(Effect.provideService(Tracer.Tracer, tracer))
      for (const slug of SLUGS) {
        yield* api.tenants.create({ payload: { slug, name: slug, plan: "free" } })
        yield* servers.publish(slug, 0)
        yield* waitUntil(
          "its event is stored",
          Effect.map(
            servers.query(`select from ${schemaName(slug)}.ocsf_events where unmapped ? 'number'`),
            (rows) => rows.length === 1
          )
        )
        yield* api.tenants.suspend({ params: { slug } })
        yield* api.tenants.delete({ params: { slug } })
      }
      for (const step of STEPS) {
        const tenants = seen.get(step) ?? new Set()
        assert.includeMembers([...tenants], SLUGS, step)
        assert.notInclude([...tenants], undefined, step)
      }
    })
  )
})
