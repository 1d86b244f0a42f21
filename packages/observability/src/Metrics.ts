/**
 * The process's Prometheus registry: process figures and build info from the start, and whatever a package registers.
 */
import { Context, Effect, Layer } from "effect"
import { collectDefaultMetrics, Gauge, Registry } from "prom-client"

/** So many tenants have series of their own at most: with more, whoever scrapes would be the first to fall. */
export const TENANT_LABELS_MAX = 5_000
/** The label of all tenants beyond that. */
export const OTHER_TENANTS = "_other"

export class Metrics extends Context.Service<
  Metrics,
  {
    readonly registry: Registry
    /** The value of a label `tenant`: the tenant itself, or `_other` where there are too many. */
    readonly tenantLabel: (tenant: string) => string
  }
>()("@bulkhead/observability/Metrics") {
  /** A registry of its own for each layer, so that two services in one process do not share figures. */
  static readonly layer = (service: string, version: string, tenantsMax = TENANT_LABELS_MAX): Layer.Layer<Metrics> =>
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
          const labelled = new Set<string>()
          return Metrics.of({
            registry,
            tenantLabel: (tenant) => {
              if (labelled.has(tenant)) return tenant
              if (labelled.size >= tenantsMax) return OTHER_TENANTS
              labelled.add(tenant)
              return tenant
            }
          })
        }),
        ({ registry }) => Effect.sync(() => registry.clear())
      )
    )
}
