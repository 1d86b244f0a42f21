/**
 * The end of a tenant, step by step. Each step may be repeated, and the report comes from looking, not from having
 * done: so it does not matter how often this was interrupted before.
 */
import { SHARED_STREAM_NAME, streamName } from "@bulkhead/channels"
import { RULE_BUCKET } from "@bulkhead/rules"
import { TenantSchemas, TenantStore } from "@bulkhead/storage"
import type { Tenant } from "@bulkhead/tenancy"
import { DateTime, Effect, Schema } from "effect"
import { connectAsTenant } from "../accounts/connectAsTenant.ts"
import { TenantAccounts } from "../accounts/TenantAccounts.ts"
import type { ErasureReport } from "../api/ErasureReport.ts"
import { eraseRules } from "../rules/eraseRules.ts"
import { TenantStreams } from "../streams/TenantStreams.ts"

/** Something of a tenant that was to be gone is still there. */
export class ErasureIncomplete extends Schema.TaggedError<ErasureIncomplete>()("ErasureIncomplete", {
  problem: Schema.String
}) {
  override get message(): string {
    return `the tenant is not gone yet: ${this.problem}; it is tried again`
  }
}

/** New credentials, signed by a key that was the tenant's, let nobody in any more. */
const proveRefusal = Effect.fnUntraced(function* (tenant: Tenant) {
  const user = yield* (yield* TenantAccounts).probeUser(tenant, "collector").pipe(
    Effect.catchIf(
      (error) => error.kind === "unknown",
      () => Effect.undefined
    )
  )
  // An earlier try came as far as destroying the keys.
  if (user === undefined) return "no key is left that could sign any"
  const refusal = yield* Effect.flip(connectAsTenant(user)).pipe(
    Effect.mapError(() => new ErasureIncomplete({ problem: "a client got in with the tenant's credentials" }))
  )
  if (refusal._tag === "TenantRefused" && refusal.isRefusal) return refusal.problem
  return yield* new ErasureIncomplete({ problem: `whether credentials are refused is not known (${refusal.message})` })
}, Effect.scoped)

const eraseAccount = Effect.fn("eraseTenant.account")(function* (tenant: Tenant) {
  const accounts = yield* TenantAccounts
  if (!accounts.areKept) return "no accounts are kept"
  yield* accounts.remove(tenant)
  const connections = yield* accounts.connections(tenant)
  if (connections > 0) return yield* new ErasureIncomplete({ problem: `${connections} clients are still connected` })
  return yield* proveRefusal(tenant)
})

const eraseStream = Effect.fn("eraseTenant.stream")(function* (tenant: Tenant) {
  const { inShared } = yield* (yield* TenantStreams).erase(tenant)
  if (inShared > 0) {
    return yield* new ErasureIncomplete({
      problem: `the stream "${SHARED_STREAM_NAME}" still has ${inShared} messages`
    })
  }
})

const eraseRuleKeys = Effect.fn("eraseTenant.rules")(function* (tenant: Tenant) {
  const keys = yield* eraseRules(tenant.slug)
  if (keys > 0) {
    return yield* new ErasureIncomplete({ problem: `the bucket "${RULE_BUCKET}" still has ${keys} keys of it` })
  }
})

const eraseSchema = Effect.fn("eraseTenant.schema")(function* (tenant: Tenant) {
  const schemas = yield* TenantSchemas
  yield* schemas.erase(tenant.slug)
  const remains = yield* schemas.remains(tenant.slug)
  if (remains.schema || remains.role) {
    return yield* new ErasureIncomplete({ problem: "PostgreSQL still has its schema or role" })
  }
})

const eraseKeys = Effect.fn("eraseTenant.keys")(function* (tenant: Tenant) {
  yield* (yield* TenantAccounts).forget(tenant)
})

/** First nobody gets in, then what is stored goes, then the keys, and last the record. Gives the report. */
export const eraseTenant = Effect.fn("eraseTenant")(function* (tenant: Tenant) {
  const credentials = yield* eraseAccount(tenant)
  yield* eraseStream(tenant)
  yield* eraseRuleKeys(tenant)
  yield* eraseSchema(tenant)
  yield* eraseKeys(tenant)
  const report: ErasureReport = {
    tenantId: tenant.id,
    slug: tenant.slug,
    requestedAt: DateTime.formatIso(tenant.updatedAt),
    erasedAt: DateTime.formatIso(yield* DateTime.now),
    account: { connections: 0, credentials },
    stream: { name: streamName(tenant.slug), exists: false },
    sharedStream: { name: SHARED_STREAM_NAME, messages: 0 },
    rules: { bucket: RULE_BUCKET, keys: 0 },
    database: { schema: false, role: false }
  }
  yield* (yield* TenantStore).erased(tenant, report)
  return report
})
