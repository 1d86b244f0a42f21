/**
 * What the replicas say of the tenants they run, so that each of them can answer for all. Written in batches and only
 * where something changed; it may be some seconds old, and older when its replica is gone.
 */
import type { TenantSlug } from "@bulkhead/channels"
import type { TenantStatus } from "@bulkhead/tenancy"
import { Context, Effect, Layer } from "effect"
import { Database } from "./Database.ts"
import { asStorageError } from "./internal/sqlFailure.ts"
import type { StorageError } from "./StorageError.ts"

/** One tenant's run. */
export interface TenantRun {
  readonly tenant: TenantSlug
  readonly status: TenantStatus
  /** Why it is degraded; null when it is not. */
  readonly reason: string | null
  /** Which quota holds it back; null when none does. */
  readonly heldBy: "rate" | "storage" | null
  readonly restarts: number
  readonly lastError: string | null
  readonly rowsWritten: number
  readonly deadLetters: number
  readonly lastCommitAt: Date | null
}

/** A run and who told it. */
export interface KnownTenantRun extends TenantRun {
  readonly replica: string
  readonly updatedAt: Date
}

export class TenantRuns extends Context.Service<
  TenantRuns,
  {
    /** Replaces what is known of these tenants; tenants that are gone are left out. */
    readonly write: (replica: string, runs: ReadonlyArray<TenantRun>) => Effect.Effect<void, StorageError>
    /** What is known of these tenants, or of all. */
    readonly read: (tenants?: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<KnownTenantRun>, StorageError>
  }
>()("@bulkhead/storage/TenantRuns") {
  static readonly layer: Layer.Layer<TenantRuns, never, Database> = Layer.effect(
    TenantRuns,
    Effect.suspend(() => make)
  )
}

const make = Effect.gen(function* () {
  const { sql } = yield* Database

  const write = Effect.fn("TenantRuns.write")(function* (replica: string, runs: ReadonlyArray<TenantRun>) {
    yield* sql`
      insert into bulkhead.tenant_runs (tenant, replica, status, reason, held_by, restarts, last_error, rows_written,
        dead_letters, last_commit_at)
      select tenant, ${replica}::uuid, run.status, reason, "heldBy", restarts, "lastError", "rowsWritten", "deadLetters",
        "lastCommitAt"
      from jsonb_to_recordset(${JSON.stringify(runs)}::jsonb) as run (tenant text, status text, reason text,
          "heldBy" text, restarts integer, "lastError" text, "rowsWritten" bigint, "deadLetters" bigint, "lastCommitAt" timestamptz)
        join bulkhead.tenants on slug = tenant
      order by tenant
      on conflict (tenant) do update set replica = excluded.replica, status = excluded.status,
        reason = excluded.reason, held_by = excluded.held_by, restarts = excluded.restarts, last_error = excluded.last_error,
        rows_written = excluded.rows_written, dead_letters = excluded.dead_letters,
        last_commit_at = excluded.last_commit_at, updated_at = clock_timestamp()`.pipe(
      asStorageError("TenantRuns.write")
    )
  })

  const columns = sql.literal(
    `tenant, replica, status, reason, held_by as "heldBy", restarts, last_error as "lastError", rows_written::float8 as "rowsWritten",
     dead_letters::float8 as "deadLetters", last_commit_at as "lastCommitAt", updated_at as "updatedAt"`
  )

  const read = Effect.fn("TenantRuns.read")(function* (tenants?: ReadonlyArray<string>) {
    const rows =
      tenants === undefined
        ? sql<KnownTenantRun>`select ${columns} from bulkhead.tenant_runs order by tenant`
        : sql<KnownTenantRun>`select ${columns} from bulkhead.tenant_runs where tenant in ${sql.in(tenants)}`
    return yield* rows.pipe(asStorageError("TenantRuns.read"))
  })

  return TenantRuns.of({ write, read })
})
