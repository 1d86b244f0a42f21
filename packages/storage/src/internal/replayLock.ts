/**
 * Keeps apart what begins a replay and what changes rows that a replay copies: the first waits for the second to end,
 * the second is refused while a replay is on its way.
 */
import { schemaName, type TenantSlug } from "@bulkhead/channels"
import type { PgClient } from "@effect/sql-pg"
import { Effect } from "effect"
import { ReplayUnfinished } from "../StorageError.ts"
import { whereTable } from "./hasTable.ts"
import { REPLAYS } from "./replaysTable.ts"
import { failed } from "./sqlFailure.ts"

const lockName = (tenant: TenantSlug): string => `bulkhead.replay.${schemaName(tenant)}`

/** The id of the replay that is not finished. */
const unfinished = (sql: PgClient.PgClient, tenant: TenantSlug) => {
  const schema = schemaName(tenant)
  return sql<{ id: number }>`
    select id::float8 as id from ${sql(schema)}.replays where finished_at is null`.pipe(
    whereTable(sql, schema, REPLAYS),
    Effect.map(([replay]) => replay?.id)
  )
}

const refuseUnfinished = Effect.fnUntraced(function* (sql: PgClient.PgClient, operation: string, tenant: TenantSlug) {
  const replay = yield* unfinished(sql, tenant)
  if (replay !== undefined) return yield* failed(operation, new ReplayUnfinished({ tenant, replay }))
})

/** For a transaction that begins a replay, and one at a time. */
export const lockForReplay = Effect.fnUntraced(function* (
  sql: PgClient.PgClient,
  operation: string,
  tenant: TenantSlug
) {
  yield* sql`select pg_advisory_xact_lock(hashtextextended(${lockName(tenant)}, 0))`
  yield* refuseUnfinished(sql, operation, tenant)
})

/** For a transaction that changes old rows. */
export const refuseDuringReplay = Effect.fnUntraced(function* (
  sql: PgClient.PgClient,
  operation: string,
  tenant: TenantSlug
) {
  yield* sql`select pg_advisory_xact_lock_shared(hashtextextended(${lockName(tenant)}, 0))`
  yield* refuseUnfinished(sql, operation, tenant)
})
