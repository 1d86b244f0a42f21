/**
 * The figures of core for Prometheus. `tenant` is the one label that grows, with the number of tenants.
 */
import { Metrics } from "@bulkhead/observability"
import type { LaneCommit } from "@bulkhead/storage"
import { Context, Effect, Layer } from "effect"
import { Counter, Gauge } from "prom-client"

export class CoreMetrics extends Context.Service<
  CoreMetrics,
  {
    /** Counts what one batch wrote. */
    readonly committed: (tenant: string, written: LaneCommit) => void
    /** Counts a restart of a tenant's actor. */
    readonly restarted: (tenant: string) => void
    /** Counts that a tenant failed so often that its tries become rare. */
    readonly budgetUsedUp: (tenant: string) => void
    /** Counts that something of a tenant was taken away behind core's back. */
    readonly drifted: (tenant: string) => void
    /** Says how to count this replica's tenants by status, when Prometheus asks. */
    readonly countTenants: (count: () => ReadonlyMap<string, number>) => void
  }
>()("@bulkhead/core/CoreMetrics") {
  static readonly layer = Layer.effect(
    CoreMetrics,
    Effect.gen(function* () {
      const { registry } = yield* Metrics
      const registers = [registry]
      const rows = new Counter({
        name: "bulkhead_lane_rows_total",
        help: "Rows written into tenants' tables",
        labelNames: ["tenant"],
        registers
      })
      const deadLetters = new Counter({
        name: "bulkhead_lane_dead_letters_total",
        help: "Messages that could never be stored, by reason",
        labelNames: ["tenant", "reason"],
        registers
      })
      const restarts = new Counter({
        name: "bulkhead_tenant_actor_restarts_total",
        help: "Restarts of tenants' actors after a failure",
        labelNames: ["tenant"],
        registers
      })
      const budgets = new Counter({
        name: "bulkhead_tenant_restart_budget_used_up_total",
        help: "Times that a tenant failed so often that its tries became rare",
        labelNames: ["tenant"],
        registers
      })
      const drifts = new Counter({
        name: "bulkhead_tenant_drifts_total",
        help: "Times that a tenant's schema or role was found dropped or changed",
        labelNames: ["tenant"],
        registers
      })
      let tenantsByStatus: () => ReadonlyMap<string, number> = () => new Map()
      new Gauge({
        name: "bulkhead_replica_tenants",
        help: "Tenants that this replica runs, by status",
        labelNames: ["status"],
        registers,
        collect() {
          this.reset()
          for (const [status, count] of tenantsByStatus()) this.set({ status }, count)
        }
      })
      return CoreMetrics.of({
        committed: (tenant, written) => {
          rows.inc({ tenant }, written.rows)
          for (const { reason } of written.deadLetters) deadLetters.inc({ tenant, reason })
        },
        restarted: (tenant) => restarts.inc({ tenant }),
        budgetUsedUp: (tenant) => budgets.inc({ tenant }),
        drifted: (tenant) => drifts.inc({ tenant }),
        countTenants: (count) => {
          tenantsByStatus = count
        }
      })
    })
  )
}
