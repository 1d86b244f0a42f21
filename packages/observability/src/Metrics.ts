/**
 * The process's Prometheus registry: process figures and build info from the start, and whatever a package registers.
 */
import { Context, Effect, Layer } from "effect"
import { collectDefaultMetrics, Gauge, Registry } from "prom-client"

export class Metrics extends Context.Service<Metrics, { readonly registry: Registry }>()(
  "@bulkhead/observability/Metrics"
) {
  /** A registry of its own for each layer, so that two services in one process do not share figures. */
  static readonly layer = (service: string, version: string): Layer.Layer<Metrics> =>
    Layer.effect(
      Metrics,
      Effect.acquireRelease(
        Effect.sync(() => {
          const registry = new Registry()
          collectDefaultMetrics({ register: registry })
          new Gauge({
            name: "bulkhead_build_info",
            help: "The running version; always 1",
            labelNames: ["service", "version"],
            registers: [registry]
          }).set({ service, version }, 1)
          return Metrics.of({ registry })
        }),
        ({ registry }) => Effect.sync(() => registry.clear())
      )
    )
}
