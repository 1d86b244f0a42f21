/** The figures of the poller for Prometheus, by tenant. */
import { Metrics } from "@bulkhead/observability"
import { Context, Effect, Layer } from "effect"
import { Counter, Histogram } from "prom-client"
import type { Check } from "./Check.ts"
import type { Observation } from "./probe.ts"

/** Why an event was given up. */
export type DropReason = "heartbeat_while_waiting" | "refused"

export class PollerMetrics extends Context.Service<
  PollerMetrics,
  {
    readonly observed: (check: Check, seen: Observation) => void
    readonly published: (check: Check) => void
    readonly dropped: (check: Check, reason: DropReason) => void
  }
>()("@bulkhead/poller/PollerMetrics") {
  static readonly layer = Layer.effect(
    PollerMetrics,
    Effect.gen(function* () {
      const registers = [(yield* Metrics).registry]
      const durations = new Histogram({
        name: "bulkhead_poller_check_duration_seconds",
        help: "How long checks take, by result",
        labelNames: ["tenant", "type", "result"],
        buckets: [0.005, 0.02, 0.1, 0.5, 2, 10],
        registers
      })
      const published = new Counter({
        name: "bulkhead_poller_events_published_total",
        help: "Health events acknowledged by the tenant's stream",
        labelNames: ["tenant"],
        registers
      })
      const dropped = new Counter({
        name: "bulkhead_poller_events_dropped_total",
        help: "Health events given up, by reason",
        labelNames: ["tenant", "reason"],
        registers
      })
      return PollerMetrics.of({
        observed: ({ tenant, type }, seen) =>
          durations.observe(
            { tenant, type, result: seen.problem === undefined ? "ok" : "failed" },
            seen.durationMs / 1000
          ),
        published: ({ tenant }) => published.inc({ tenant }),
        dropped: ({ tenant }, reason) => dropped.inc({ tenant, reason })
      })
    })
  )
}
