/** The figures of zen-consumer for Prometheus, by tenant. */
import { Metrics } from "@bulkhead/observability"
import type { RuleFailureReason } from "@bulkhead/records"
import { Context, Effect, Layer } from "effect"
import { Counter, Gauge } from "prom-client"

/** What one batch came to. */
export interface BatchFigures {
  readonly processed: number
  /** The reason of each message that rules failed on. */
  readonly failures: ReadonlyArray<RuleFailureReason>
  readonly durationMs: number
}

export class ZenMetrics extends Context.Service<
  ZenMetrics,
  {
    readonly decided: (tenant: string, figures: BatchFigures) => void
    readonly restarted: (tenant: string) => void
    /** Lanes that run, for the gauge. */
    readonly running: Set<string>
  }
>()("@bulkhead/zen-consumer/ZenMetrics") {
  static readonly layer = Layer.effect(
    ZenMetrics,
    Effect.gen(function* () {
      const { registry, tenantLabel } = yield* Metrics
      const registers = [registry]
      const counter = (name: string, help: string) => new Counter({ name, help, labelNames: ["tenant"], registers })
      const processed = counter("bulkhead_zen_messages_total", "Messages whose result is in the tenant's stream")
      const failed = new Counter({
        name: "bulkhead_zen_failed_total",
        help: "Messages on which rules failed, given on as dead letters, by reason",
        labelNames: ["tenant", "reason"],
        registers
      })
      const busy = counter("bulkhead_zen_busy_seconds_total", "Time spent on deciding and publishing")
      const restarts = counter("bulkhead_zen_restarts_total", "Times a lane was begun again after a failure")
      const running = new Set<string>()
      new Gauge({
        name: "bulkhead_zen_lanes",
        help: "Lanes that read their tenant's stream now",
        registers,
        collect() {
          this.set(running.size)
        }
      })
      return ZenMetrics.of({
        running,
        decided: (slug, figures) => {
          const tenant = tenantLabel(slug)
          processed.inc({ tenant }, figures.processed)
          for (const reason of figures.failures) failed.inc({ tenant, reason })
          busy.inc({ tenant }, figures.durationMs / 1_000)
        },
        restarted: (slug) => restarts.inc({ tenant: tenantLabel(slug) })
      })
    })
  )
}
