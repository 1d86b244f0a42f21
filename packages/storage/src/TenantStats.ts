/**
 * What a tenant's lanes have written, cheap enough to ask for every few seconds: no table of rows is read.
 */
import { schemaName, type TenantSlug } from "@bulkhead/channels"
import { Context, Effect, Layer } from "effect"
import { Database } from "./Database.ts"
import { asTenant } from "./internal/tenantTransaction.ts"
import type { StorageError } from "./StorageError.ts"

/** One lane's figures, all from its watermark. */
export interface LaneStats {
  readonly lane: string
  /** The last sequence committed. */
  readonly watermark: number
  /** Rows and dead letters written since the lane was opened, expired ones included. */
  readonly rows: number
  readonly deadLetters: number
  /** When it last committed, or was opened. */
  readonly lastCommitAt: Date
}

/** Figures of a tenant. */
export class TenantStats extends Context.Service<
  TenantStats,
  {
    /** The lanes, by name. Fails with `TenantNotProvisioned`. */
    readonly lanes: (tenant: TenantSlug) => Effect.Effect<ReadonlyArray<LaneStats>, StorageError>
  }
>()("@bulkhead/storage/TenantStats") {
  static readonly layer: Layer.Layer<TenantStats, never, Database> = Layer.effect(
    TenantStats,
    Effect.suspend(() => make)
  )
}

const make = Effect.gen(function* () {
  const { sql } = yield* Database

  const lanes = Effect.fn("TenantStats.lanes")(function* (tenant: TenantSlug) {
    return yield* sql<LaneStats>`
      select lane, seq::float8 as watermark, rows_written::float8 as rows, dead_letters::float8 as "deadLetters",
        updated_at as "lastCommitAt"
      from ${sql(schemaName(tenant))}.watermarks order by lane`.pipe(asTenant(sql, "TenantStats.lanes", tenant))
  })

  return TenantStats.of({ lanes })
})
