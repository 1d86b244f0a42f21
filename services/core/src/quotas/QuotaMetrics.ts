/**
 * Quotas for Prometheus: each limit that core keeps as a gauge, next to what is used of it.
 */
import type { TenantLimits } from "@bulkhead/accounts"
import { Metrics } from "@bulkhead/observability"
import { type BatchSize, type LaneHold, LaneScheduler } from "@bulkhead/pipeline"
import { Context, Effect, Layer } from "effect"
import { Counter, Gauge } from "prom-client"

/** The limits that are shown, by metric. */
const LIMITS = {
  eventsPerSecond: { name: "bulkhead_tenant_events_per_second_limit", help: "Events that a tenant may have written" },
  bytesPerSecond: { name: "bulkhead_tenant_bytes_per_second_limit", help: "Bytes that a tenant may have written" },
  databaseBytes: { name: "bulkhead_tenant_database_bytes_limit", help: "Bytes that a tenant's schema may have" },
  streamBytes: { name: "bulkhead_tenant_stream_bytes_limit", help: "Bytes that a tenant's stream may have" }
} as const satisfies Partial<Record<keyof TenantLimits, { name: string; help: string }>>

const HOLDS = ["rate", "storage"] as const satisfies ReadonlyArray<LaneHold["kind"]>

export class QuotaMetrics extends Context.Service<
  QuotaMetrics,
  {
    readonly limits: (tenant: string, limits: TenantLimits) => void
    readonly admitted: (tenant: string, size: BatchSize) => void
    readonly throttled: (tenant: string, ms: number) => void
    /** Which quota holds the tenant back now. */
    readonly held: (tenant: string, by: LaneHold["kind"] | undefined) => void
    readonly databaseBytes: (tenant: string, bytes: number) => void
    /** The tenant is not run here any more: its gauges end. */
    readonly forget: (tenant: string) => void
  }
>()("@bulkhead/core/QuotaMetrics") {
  static readonly layer = Layer.effect(
    QuotaMetrics,
    Effect.gen(function* () {
      const { registry, tenantLabel } = yield* Metrics
      const registers = [registry]
      const scheduler = yield* LaneScheduler
      const labelNames = ["tenant"] as const
      const gauges = Object.entries(LIMITS).map(([name, { name: metric, help }]) => ({
        name: name as keyof typeof LIMITS,
        gauge: new Gauge({ name: metric, help: `${help}; +Inf without limit`, labelNames, registers })
      }))
      const events = new Counter({
        name: "bulkhead_tenant_events_total",
        help: "Messages that passed a tenant's rate quota",
        labelNames,
        registers
      })
      const bytes = new Counter({
        name: "bulkhead_tenant_event_bytes_total",
        help: "Payload bytes that passed a tenant's rate quota",
        labelNames,
        registers
      })
      const throttled = new Counter({
        name: "bulkhead_tenant_throttled_seconds_total",
        help: "Seconds that a tenant's lane waited because of its rate quota",
        labelNames,
        registers
      })
      const held = new Gauge({
        name: "bulkhead_tenant_held",
        help: "1 while a quota holds a tenant's lane back: its rate, or its storage",
        labelNames: ["tenant", "by"],
        registers
      })
      const database = new Gauge({
        name: "bulkhead_tenant_database_bytes",
        help: "Bytes of a tenant's schema, when it was last measured",
        labelNames,
        registers
      })
      new Gauge({
        name: "bulkhead_commits",
        help: "Lanes that commit a batch, and that wait for their turn to",
        labelNames: ["state"],
        registers,
        collect() {
          const { commits, waiting } = Effect.runSync(scheduler.load)
          this.set({ state: "running" }, commits)
          this.set({ state: "waiting" }, waiting)
        }
      })
      return QuotaMetrics.of({
        limits: (slug, limits) => {
          const tenant = tenantLabel(slug)
          for (const { name, gauge } of gauges) {
            const limit = limits[name]
            gauge.set({ tenant }, limit === "unlimited" ? Number.POSITIVE_INFINITY : limit)
          }
        },
        admitted: (slug, size) => {
          const tenant = tenantLabel(slug)
          events.inc({ tenant }, size.events)
          bytes.inc({ tenant }, size.bytes)
        },
        throttled: (tenant, ms) => throttled.inc({ tenant: tenantLabel(tenant) }, ms / 1_000),
        held: (slug, by) => {
          const tenant = tenantLabel(slug)
          for (const kind of HOLDS) {
            if (kind === by) held.set({ tenant, by: kind }, 1)
            else held.remove({ tenant, by: kind })
          }
        },
        databaseBytes: (tenant, size) => database.set({ tenant: tenantLabel(tenant) }, size),
        forget: (slug) => {
          const tenant = tenantLabel(slug)
          for (const gauge of [...gauges.map((shown) => shown.gauge), database]) gauge.remove({ tenant })
          for (const by of HOLDS) held.remove({ tenant, by })
        }
      })
    })
  )
}
