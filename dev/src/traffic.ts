/**
 * Live traffic of the demo tenants: gateways that report their health, published as any other team's service would do
 * it. The tenant comes from context; the name of the gateway says whose event it is, so that a row in a wrong schema
 * would be seen.
 */
import { randomUUID } from "node:crypto"
import { EventPublisher } from "@bulkhead/nats"
import { withTenant } from "@bulkhead/tenancy"
import { Clock, Effect, Schedule } from "effect"
import type { DemoTenant } from "./demoTenants.ts"

/** The gateway whose name proves where an event belongs. */
export const gatewayOf = (slug: string): string => `${slug}-gateway`

const healthEvent = (slug: string, nowMs: number) => ({
  id: randomUUID(),
  time: new Date(nowMs).toISOString(),
  class_uid: 1008,
  category_uid: 1,
  type_uid: 100_801,
  activity_id: 1,
  activity_name: "Create",
  severity_id: 1,
  severity: "Informational",
  message: `gateway ${gatewayOf(slug)} is healthy`,
  metadata: { version: "1.7.0", product: { vendor_name: "Bulkhead", name: "demo traffic" } },
  log_name: "events.ocsf.processed",
  unmapped: { gateway_id: gatewayOf(slug), previous_state: "healthy", current_state: "healthy" }
})

/** Publishes `perSecond` events a second for one tenant until interrupted. */
export const publishTraffic = (tenant: DemoTenant, perSecond: number) =>
  Effect.gen(function* () {
    const publisher = yield* EventPublisher
    const event = healthEvent(tenant.slug, yield* Clock.currentTimeMillis)
    yield* publisher.publish("events.ocsf.processed", new TextEncoder().encode(JSON.stringify(event)))
  }).pipe(
    Effect.catchTag("PublishError", (error) => Effect.logWarning("demo traffic", error)),
    withTenant(tenant),
    Effect.repeat(Schedule.fixed(`${1_000 / perSecond} millis`))
  )
