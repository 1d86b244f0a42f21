/**
 * Work on one tenant's schema: a transaction under the tenant's own role. Whatever the statements inside name,
 * PostgreSQL lets them reach that tenant's schema alone.
 */
import { schemaName, type TenantSlug } from "@bulkhead/channels"
import type { PgClient } from "@effect/sql-pg"
import { Effect } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import { type StorageReason, TenantNotProvisioned } from "../StorageError.ts"
import { asStorageError, sqlStateOf } from "./sqlFailure.ts"

/** `replayable`: the commit need not wait for the disk, since all it wrote can be written again. */
export type Durability = "durable" | "replayable"

/** Takes the tenant's role until the end of the transaction; the role has the schema's name. */
export const becomeTenant = (sql: PgClient.PgClient, tenant: TenantSlug, durability: Durability = "durable") =>
  durability === "durable"
    ? sql`select set_config('role', ${schemaName(tenant)}, true)`
    : sql`select set_config('role', ${schemaName(tenant)}, true), set_config('synchronous_commit', 'off', true)`

// 22023 the role, 3F000 the schema or 42P01 the table does not exist.
const MISSING = new Set(["22023", "3F000", "42P01"])

const missingTenant =
  (tenant: TenantSlug) =>
  (error: SqlError): StorageReason | undefined =>
    MISSING.has(sqlStateOf(error) ?? "") ? new TenantNotProvisioned({ slug: tenant, cause: error }) : undefined

/** The driver's errors as ours, for a statement that ran as the tenant. */
export const asTenantError = (operation: string, tenant: TenantSlug) => asStorageError(operation, missingTenant(tenant))

/** Runs `work` in one transaction as the tenant. Nothing of it stays when any of it fails. */
export const asTenant =
  (sql: PgClient.PgClient, operation: string, tenant: TenantSlug, durability?: Durability) =>
  <A, E, R>(work: Effect.Effect<A, E | SqlError, R>) =>
    sql
      .withTransaction(Effect.andThen(becomeTenant(sql, tenant, durability), work))
      .pipe(asTenantError(operation, tenant))
