/**
 * Events as the benchmarks of the lanes publish them: about 500 bytes, like those of the poller.
 */
import { randomUUID } from "node:crypto"
import type { TenantSlug } from "@bulkhead/channels"

const encoder = new TextEncoder()

const eventOf = (number: number): Uint8Array =>
  encoder.encode(
    JSON.stringify({
      id: randomUUID(),
      time: new Date().toISOString(),
      class_uid: 1008,
      category_uid: 1,
      type_uid: 100_801,
      activity_id: 1,
      activity_name: "Create",
      severity_id: 1,
      severity: "Informational",
      message: `web went from healthy to unhealthy for the ${number}th time`,
      status_id: 1,
      status: "Success",
      metadata: { version: "1.7.0", product: { vendor_name: "Bulkhead", name: "poller" } },
      log_name: "events.poller.health",
      log_provider: "gateway-1",
      unmapped: { partition: "default", check: "web", target: "http://127.0.0.1:8080", number }
    })
  )

export const payloadsOf = (count: number): ReadonlyArray<Uint8Array> =>
  Array.from({ length: count }, (_, index) => eventOf(index))

/** The tenants of a benchmark, by number. */
export const slugOf = (number: number) => `bench-${number}` as TenantSlug
