/**
 * Keeps each tenant's tables within their time: once at start and then every hour, partitions of the coming month are
 * made and expired ones dropped.
 */
import { Retention, TenantStore } from "@bulkhead/storage"
import { withTenant } from "@bulkhead/tenancy"
import { Effect, Layer } from "effect"
import { CoreConfig } from "../CoreConfig.ts"
import { runDuty } from "../replicas/Duty.ts"

/** Between two tenants: thousands of them must not be felt. */
const PAUSE = "1 second"

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

  const run = store.list.pipe(
    Effect.map((tenants) => tenants.filter((tenant) => tenant.status === "active")),
    Effect.flatMap((tenants) =>
      Effect.forEach(
        tenants,
        (tenant) => runFor(tenant.slug).pipe(withTenant(tenant), Effect.andThen(Effect.sleep(PAUSE))),
        { discard: true }
      )
    ),
    Effect.catch((error) => Effect.logWarning("retention did not run; next try in an hour", { problem: error.message }))
  )
  yield* runDuty("retention", run.pipe(Effect.andThen(Effect.sleep("1 hour")), Effect.forever))
})

/** Runs retention until the scope closes, in one replica at a time. */
export const RetentionJob = Layer.effectDiscard(make)
