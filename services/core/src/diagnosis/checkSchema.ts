/**
 * Whether the tenant's schema and role stand as core made them.
 */
import { schemaName } from "@bulkhead/channels"
import { TenantSchemas } from "@bulkhead/storage"
import type { Tenant } from "@bulkhead/tenancy"
import { Effect } from "effect"
import { failed, ok } from "./finding.ts"

export const checkSchema = Effect.fnUntraced(function* ({ slug }: Tenant) {
  const name = schemaName(slug)
  const intact = yield* (yield* TenantSchemas).intact([slug])
  return intact.has(slug)
    ? ok(`schema and role "${name}" stand, of this release`)
    : failed(
        `schema or role "${name}" was dropped, is of another owner or of an older release`,
        "Core makes it again within CORE_DRIFT_MS, with the rows that the stream still has; if it does not, look at its log"
      )
})
