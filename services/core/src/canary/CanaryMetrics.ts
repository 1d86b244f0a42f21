/** The figures of the isolation canary for Prometheus. */
import { Metrics } from "@bulkhead/observability"
import { Context, Effect, Layer } from "effect"
import { Counter, Gauge } from "prom-client"

export class CanaryMetrics extends Context.Service<
  CanaryMetrics,
  {
    readonly wall: (wall: string, holds: boolean) => void
    readonly round: (outcome: "held" | "open" | "unjudged") => void
  }
>()("@bulkhead/core/CanaryMetrics") {
  static readonly layer = Layer.effect(
    CanaryMetrics,
    Effect.gen(function* () {
      const registers = [(yield* Metrics).registry]
      const walls = new Gauge({
        name: "bulkhead_isolation_wall_holds",
        help: "1 where the canary's last attempt at this wall was refused, 0 where it got through",
        labelNames: ["wall"],
        registers
      })
      const rounds = new Counter({
        name: "bulkhead_isolation_canary_rounds_total",
        help: "Rounds of the canary: held, open, or unjudged because the canaries themselves could not work",
        labelNames: ["outcome"],
        registers
      })
      return CanaryMetrics.of({
        wall: (wall, holds) => walls.set({ wall }, holds ? 1 : 0),
        round: (outcome) => rounds.inc({ outcome })
      })
    })
  )
}
