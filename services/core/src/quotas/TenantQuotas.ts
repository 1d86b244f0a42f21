/**
 * The quotas of the tenants whose lanes run here. A lane opens its tenant's quota and keeps it while it runs; this
 * measures the schemas of all of them now and then, pauses a lane whose tenant has stored too much, and lets it go on
 * when there is room again. A change of limits starts a new lane, which opens a new quota at the same watermark.
 */
import type { Limit, TenantLimits } from "@bulkhead/accounts"
import type { TenantSlug } from "@bulkhead/channels"
import { type BatchSize, LaneQuota } from "@bulkhead/pipeline"
import { TenantSizes } from "@bulkhead/storage"
import { type Tenant, withTenant } from "@bulkhead/tenancy"
import { Clock, Context, Effect, Layer, type Scope } from "effect"
import { CoreConfig } from "../CoreConfig.ts"
import { QuotaMetrics } from "./QuotaMetrics.ts"

const SETTLE_EVERY = "1 second"
const LOOK_EVERY = "200 millis"
/** A tenant that was not measured yet waits no longer than this for its first time. */
const UNKNOWN_MS = 5_000

/** A tenant's quota while its lane runs. */
interface OpenQuota {
  readonly tenant: Tenant
  readonly limits: TenantLimits
  readonly quota: LaneQuota
}

const figure = (limit: Limit): number => (limit === "unlimited" ? Number.POSITIVE_INFINITY : limit)

const storageReason = (tenant: Tenant, bytes: number, limit: Limit) =>
  `the tenant's schema has ${bytes} bytes, and its limit databaseBytes is ${limit}: nothing more is written, and what it ` +
  `sends waits in its stream. Raise the limit, or the plan "${tenant.plan}", or keep events for a shorter time`

const make = Effect.gen(function* () {
  const { quotaMeasureMs } = yield* CoreConfig
  const sizes = yield* TenantSizes
  const metrics = yield* QuotaMetrics
  const open = new Map<TenantSlug, OpenQuota>()
  /** The last sizes, so that a lane that starts again, with other limits, need not wait for the next measurement. */
  let lastSizes: ReadonlyMap<TenantSlug, number> = new Map()

  const judgeStorage = Effect.fnUntraced(function* ({ tenant, limits, quota }: OpenQuota) {
    const bytes = lastSizes.get(tenant.slug) ?? 0
    if (bytes >= figure(limits.databaseBytes)) {
      const problem = storageReason(tenant, bytes, limits.databaseBytes)
      if (quota.mayNotStore(problem)) yield* Effect.logWarning("the lane is paused", { problem })
    } else if (quota.mayStore()) {
      yield* Effect.logInfo("the lane goes on: its tenant has room again", { bytes, limit: limits.databaseBytes })
    }
  })

  const forEachOpen = (look: (quota: OpenQuota) => Effect.Effect<void>) =>
    Effect.suspend(() =>
      Effect.forEach([...open.values()], (quota) => look(quota).pipe(withTenant(quota.tenant)), { discard: true })
    )

  const measure = Effect.fnUntraced(
    function* (slugs: ReadonlyArray<TenantSlug>) {
      if (slugs.length === 0) return
      const measured = yield* sizes.measure(slugs)
      lastSizes = new Map([...lastSizes, ...measured].filter(([slug]) => open.has(slug)))
      for (const [slug, bytes] of measured) if (open.has(slug)) metrics.databaseBytes(slug, bytes)
      yield* forEachOpen(judgeStorage)
    },
    Effect.catch((error) =>
      Effect.logWarning("tenants' schemas could not be measured; trying again", { problem: error.message })
    )
  )

  /** A plain loop, because thousands of quotas are settled every second and hardly one has something to say. */
  const settleAll = Effect.gen(function* () {
    const nowMs = yield* Clock.currentTimeMillis
    for (const { tenant, quota } of open.values()) {
      const { throttledMs, hasEnded } = quota.settle(nowMs)
      if (throttledMs > 0) metrics.throttled(tenant.slug, throttledMs)
      metrics.held(tenant.slug, quota.hold?.kind)
      if (hasEnded) yield* Effect.logInfo("the lane is not throttled any more").pipe(withTenant(tenant))
    }
  })

  let lookedAtMs = Number.NEGATIVE_INFINITY
  let measuredAtMs = Number.NEGATIVE_INFINITY
  /** Those that were not measured yet, sooner than the rest: measuring opens every table, and new tenants come often. */
  const measureWhenDue = Effect.gen(function* () {
    const nowMs = yield* Clock.currentTimeMillis
    if (nowMs - lookedAtMs < Math.min(UNKNOWN_MS, quotaMeasureMs)) return
    lookedAtMs = nowMs
    const isDue = nowMs - measuredAtMs >= quotaMeasureMs
    if (isDue) measuredAtMs = nowMs
    yield* measure([...open.keys()].filter((slug) => isDue || !lastSizes.has(slug)))
  })

  yield* measureWhenDue.pipe(Effect.andThen(Effect.sleep(LOOK_EVERY)), Effect.forever, Effect.forkScoped)
  yield* settleAll.pipe(Effect.andThen(Effect.sleep(SETTLE_EVERY)), Effect.forever, Effect.forkScoped)

  return TenantQuotas.of({
    open: Effect.fnUntraced(function* (tenant, limits) {
      const rates = {
        eventsPerSecond: figure(limits.eventsPerSecond),
        bytesPerSecond: figure(limits.bytesPerSecond),
        burstSeconds: limits.burstSeconds
      }
      const onAdmit = (size: BatchSize) => metrics.admitted(tenant.slug, size)
      const opened = { tenant, limits, quota: new LaneQuota(rates, yield* Clock.currentTimeMillis, onAdmit) }
      yield* Effect.acquireRelease(
        Effect.sync(() => {
          open.set(tenant.slug, opened)
          metrics.limits(tenant.slug, limits)
          const bytes = lastSizes.get(tenant.slug)
          if (bytes !== undefined) metrics.databaseBytes(tenant.slug, bytes)
        }),
        () =>
          Effect.sync(() => {
            open.delete(tenant.slug)
            metrics.forget(tenant.slug)
          })
      )
      yield* judgeStorage(opened)
      return opened.quota
    })
  })
})

export class TenantQuotas extends Context.Service<
  TenantQuotas,
  {
    /** The quota of a tenant's lane, kept until the scope closes. */
    readonly open: (tenant: Tenant, limits: TenantLimits) => Effect.Effect<LaneQuota, never, Scope.Scope>
  }
>()("@bulkhead/core/TenantQuotas") {
  static readonly layer = Layer.effect(
    TenantQuotas,
    Effect.suspend(() => make)
  )
}
