/**
 * What a tenant's lanes have written, cheap enough to ask for every few seconds: no table of rows is read.
 */
import { schemaName, type TenantSlug } from "@bulkhead/channels"
import { Context, Effect, Layer } from "effect"
import { Database } from "./Database.ts"
import { asStorageError } from "./internal/sqlFailure.ts"
import { asTenant } from "./internal/tenantTransaction.ts"
import { textArray } from "./internal/textArray.ts"
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
    /** The same of many tenants, in a few statements; a tenant without lanes is left out. Fails when one of them has no schema. */
    readonly lanesOf: (
      tenants: ReadonlyArray<TenantSlug>
    ) => Effect.Effect<ReadonlyMap<TenantSlug, ReadonlyArray<LaneStats>>, StorageError>
  }
>()("@bulkhead/storage/TenantStats") {
  static readonly layer: Layer.Layer<TenantStats, never, Database> = Layer.effect(
    TenantStats,
    Effect.suspend(() => make)
  )
}

/** So many tenants in one statement: each takes a role and opens a table. */
const TENANTS_AT_ONCE = 200

const make = Effect.gen(function* () {
  const { sql } = yield* Database
  const columns = sql.literal(
    `lane, seq::float8 as watermark, rows_written::float8 as rows, dead_letters::float8 as "deadLetters",
     updated_at as "lastCommitAt"`
  )

  const lanes = Effect.fn("TenantStats.lanes")(function* (tenant: TenantSlug) {
    return yield* sql<LaneStats>`
      select ${columns} from ${sql(schemaName(tenant))}.watermarks order by lane`.pipe(
      asTenant(sql, "TenantStats.lanes", tenant)
    )
  })

  const lanesOf = Effect.fn("TenantStats.lanesOf")(function* (tenants: ReadonlyArray<TenantSlug>) {
    const found: Array<LaneStats & { readonly tenant: TenantSlug }> = []
    for (let from = 0; from < tenants.length; from += TENANTS_AT_ONCE) {
      const some = tenants.slice(from, from + TENANTS_AT_ONCE)
      const rows = yield* sql<LaneStats & { readonly tenant: TenantSlug }>`
        select tenant, ${columns} from bulkhead.lanes_of(${textArray(some)}, ${textArray(some.map(schemaName))})
        order by tenant, lane`.pipe(asStorageError("TenantStats.lanesOf"))
      found.push(...rows)
    }
    return Map.groupBy(found, ({ tenant }) => tenant)
  })

  return TenantStats.of({ lanes, lanesOf })
})
