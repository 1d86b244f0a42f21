/**
 * The figures of core for Prometheus. `tenant` is the one label that grows, with the number of tenants, up to a bound.
 */
import { Metrics } from "@bulkhead/observability"
import { DEAD_LETTER_REASONS, type DeadLetterCounts, type LaneCommit } from "@bulkhead/storage"
import { TenantStatus } from "@bulkhead/tenancy"
import { Context, Effect, Layer } from "effect"
import { Counter, Gauge } from "prom-client"
import type { ActorState } from "./tenants/ActorState.ts"

export class CoreMetrics extends Context.Service<
  CoreMetrics,
  {
    /** Counts what one batch wrote. */
    readonly committed: (tenant: string, written: LaneCommit) => void
    /** Says how many dead letters a tenant has now. */
    readonly deadLetters: (tenant: string, counts: DeadLetterCounts) => void
    /** Counts a restart of a tenant's actor. */
    readonly restarted: (tenant: string) => void
    /** Counts that a tenant failed so often that its tries become rare. */
    readonly budgetUsedUp: (tenant: string) => void
    /** Counts that something of a tenant was taken away behind core's back. */
    readonly drifted: (tenant: string) => void
    /** Says where to look at this replica's tenants, when Prometheus asks. */
    readonly watch: (tenants: () => Iterable<ActorState>) => void
  }
>()("@bulkhead/core/CoreMetrics") {
  static readonly layer = Layer.effect(
    CoreMetrics,
    Effect.gen(function* () {
      const { registry, tenantLabel } = yield* Metrics
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
      const present = new Gauge({
        name: "bulkhead_dead_letters",
        help: "Dead letters in tenants' schemas now, by reason",
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
      let tenantsHere: () => Iterable<ActorState> = () => []
      new Gauge({
        name: "bulkhead_replica_tenants",
        help: "Tenants that this replica runs, by status",
        labelNames: ["status"],
        registers,
        collect() {
          this.reset()
          for (const status of TenantStatus.literals) this.set({ status }, 0)
          for (const { status } of tenantsHere()) this.inc({ status })
        }
      })
      /** A gauge with a figure of each tenant that runs here, where there is one. */
      const tenantGauge = (name: string, help: string, figureOf: (state: ActorState) => number | undefined) =>
        new Gauge({
          name,
          help,
          labelNames: ["tenant"],
          registers,
          collect() {
            this.reset()
            for (const state of tenantsHere()) {
              const figure = figureOf(state)
              if (figure !== undefined) this.set({ tenant: tenantLabel(state.tenant.slug) }, figure)
            }
          }
        })
      /** A lane that does not run does not know. */
      const lagOf = ({ lagSeen }: ActorState) => (lagSeen === undefined ? undefined : Effect.runSync(lagSeen))
      tenantGauge(
        "bulkhead_lane_lag_messages",
        "Messages of the tenant that are not written yet, as its lane sees them",
        (state) => lagOf(state)?.messages
      )
      tenantGauge(
        "bulkhead_lane_lag_seconds",
        "Age of the oldest message that has arrived here and is not written; 0 where there is none",
        (state) => {
          const lag = lagOf(state)
          return lag === undefined ? undefined : (lag.oldestAgeMs ?? 0) / 1_000
        }
      )
      tenantGauge(
        "bulkhead_lane_last_commit_timestamp_seconds",
        "When the tenant's lane last committed a batch, Unix time",
        ({ lastCommitAtMs }) => (lastCommitAtMs === undefined ? undefined : lastCommitAtMs / 1_000)
      )
      return CoreMetrics.of({
        committed: (slug, written) => {
          const tenant = tenantLabel(slug)
          rows.inc({ tenant }, written.rows)
          for (const { reason } of written.deadLetters) deadLetters.inc({ tenant, reason })
        },
        deadLetters: (slug, counts) => {
          const tenant = tenantLabel(slug)
          // A tenant without any has no series: most have none.
          for (const reason of DEAD_LETTER_REASONS) {
            const letters = counts[reason]
            if (letters === undefined) present.remove({ tenant, reason })
            else present.set({ tenant, reason }, letters)
          }
        },
        restarted: (tenant) => restarts.inc({ tenant: tenantLabel(tenant) }),
        budgetUsedUp: (tenant) => budgets.inc({ tenant: tenantLabel(tenant) }),
        drifted: (tenant) => drifts.inc({ tenant: tenantLabel(tenant) }),
        watch: (tenants) => {
          tenantsHere = tenants
        }
      })
    })
  )
}
