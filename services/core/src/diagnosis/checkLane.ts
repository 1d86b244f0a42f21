/**
 * Whether the tenant's lane runs, and whether a quota holds it back.
 */
import type { Tenant } from "@bulkhead/tenancy"
import { Effect } from "effect"
import { DeadLetterCounts } from "../lanes/DeadLetterCounts.ts"
import { TenantRegistry, type TenantState } from "../tenants/TenantRegistry.ts"
import { failed, ok } from "./finding.ts"

/** As the replica says that runs it. */
const runOf = ({ here, elsewhere }: TenantState) =>
  here === undefined
    ? {
        status: elsewhere?.status,
        reason: elsewhere?.reason ?? elsewhere?.lastError ?? undefined,
        heldBy: elsewhere?.heldBy ?? undefined
      }
    : { status: here.statusNow, reason: here.reasonNow ?? here.lastError, heldBy: here.hold?.kind }

const QUOTA_LIMIT = { rate: "eventsPerSecond=<n> or bytesPerSecond=<bytes>", storage: "databaseBytes=<bytes>" } as const

export const checkLane = Effect.fnUntraced(function* ({ slug }: Tenant) {
  const state = yield* (yield* TenantRegistry).state(slug)
  if (state?.replica === undefined) {
    return failed("no replica of core runs the tenant", "Check that core's replicas are ready, and ask again")
  }
  const { status, reason, heldBy } = runOf(state)
  if (heldBy !== undefined) {
    const what = heldBy === "rate" ? "slows it down" : "stops it"
    return failed(
      `the ${heldBy} quota ${what}${reason === undefined ? "" : `: ${reason}`}`,
      `Raise the limit: bulkhead tenants limits set ${slug} ${QUOTA_LIMIT[heldBy]}`
    )
  }
  if (status === "degraded" || status === "provisioning") {
    return failed(
      `it does not run (${status})${reason === undefined ? "" : `: ${reason}`}`,
      "Core goes on trying by itself: take away what the reason names"
    )
  }
  const letters = Object.values((yield* DeadLetterCounts).of(slug)).reduce((sum, count) => sum + count, 0)
  const left = letters === 0 ? "" : `; ${letters} messages could not be stored: bulkhead dead-letters list ${slug}`
  return ok(`replica ${state.replica} runs it${left}`)
})
