/**
 * Keeps each tenant's tables within their time: once at start and then every hour, partitions of the coming month are
 * made and expired ones dropped.
 */
import { Retention, TenantStore } from "@bulkhead/storage"
import { withTenant } from "@bulkhead/tenancy"
import { Effect, Layer, Schedule } from "effect"
import { CoreConfig } from "../CoreConfig.ts"

const make = Effect.gen(function* () {
  const { retentionDays: days } = yield* CoreConfig
  const retention = yield* Retention
  const store = yield* TenantStore

  const runFor = Effect.fnUntraced(
    function* (slug: Parameters<typeof retention.run>[0]) {
      const report = yield* retention.run(slug, { days })
      if (report.dropped.length > 0) yield* Effect.logInfo("expired partitions dropped", { dropped: report.dropped })
    },
    Effect.catch((error) => Effect.logWarning("retention did not run; next try in an hour", { problem: error.message }))
  )

  yield* store.list.pipe(
    Effect.map((tenants) => tenants.filter((tenant) => tenant.status === "active")),
    Effect.flatMap((tenants) =>
      Effect.forEach(tenants, (tenant) => runFor(tenant.slug).pipe(withTenant(tenant)), { discard: true })
    ),
    Effect.catch((error) =>
      Effect.logWarning("retention did not run; next try in an hour", { problem: error.message })
    ),
    Effect.repeat(Schedule.spaced("1 hour")),
    Effect.forkScoped
  )
})

/** Runs retention until the scope closes; any number of processes may. */
export const RetentionJob = Layer.effectDiscard(make)
