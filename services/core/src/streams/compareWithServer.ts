/**
 * What the installation's plan would change on the server. The server is looked at before the plan is made: so the
 * stream of a tenant that is created meanwhile is never taken for one that is left over.
 */
import type { TenantSlug } from "@bulkhead/channels"
import { changesOfTenant, diffStreams, observeStreams } from "@bulkhead/nats"
import { Effect } from "effect"
import { lifecycleStream, type PlanQuestion, planOfPlatform } from "./planOfPlatform.ts"

export interface Comparison extends PlanQuestion {
  /** Only what concerns this tenant. */
  readonly tenant?: TenantSlug
}

export const compareWithServer = Effect.fn("compareWithServer")(function* ({ tenant, ...question }: Comparison) {
  const { name } = yield* lifecycleStream
  const server = yield* observeStreams([name])
  const diff = diffStreams(yield* planOfPlatform(question), server)
  return { server, diff: tenant === undefined ? diff : changesOfTenant(diff, tenant) }
})
