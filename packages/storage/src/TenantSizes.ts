/**
 * How much of the disk each tenant's schema takes, for many tenants in one question.
 */
import { schemaName, type TenantSlug } from "@bulkhead/channels"
import { PgTypes } from "@effect/sql-pg"
import { Context, Effect, Layer, Result } from "effect"
import { Database } from "./Database.ts"
import { asStorageError } from "./internal/sqlFailure.ts"
import type { StorageError } from "./StorageError.ts"

export class TenantSizes extends Context.Service<
  TenantSizes,
  {
    /** Bytes of each schema, with indexes and whatever deleted rows still hold; a tenant without a schema is absent. */
    readonly measure: (
      tenants: ReadonlyArray<TenantSlug>
    ) => Effect.Effect<ReadonlyMap<TenantSlug, number>, StorageError>
  }
>()("@bulkhead/storage/TenantSizes") {
  static readonly layer: Layer.Layer<TenantSizes, never, Database> = Layer.effect(
    TenantSizes,
    Effect.suspend(() => make)
  )
}

const make = Effect.gen(function* () {
  const { sql } = yield* Database

  const measure = Effect.fn("TenantSizes.measure")(function* (tenants: ReadonlyArray<TenantSlug>) {
    const bySchema = new Map(tenants.map((tenant) => [schemaName(tenant), tenant]))
    const schemas = Result.getOrThrow(PgTypes.array([...bySchema.keys()], PgTypes.OID.text))
    const rows = yield* sql<{ schema: string; bytes: number }>`
      select nspname as schema, sum(pg_total_relation_size(pg_class.oid))::float8 as bytes
      from pg_class join pg_namespace on pg_namespace.oid = relnamespace
      where nspname = any(${schemas}) and relkind = 'r' group by nspname`.pipe(asStorageError("TenantSizes.measure"))
    const sizes = new Map<TenantSlug, number>()
    for (const { schema, bytes } of rows) {
      const tenant = bySchema.get(schema)
      if (tenant !== undefined) sizes.set(tenant, bytes)
    }
    return sizes
  })

  return TenantSizes.of({ measure })
})
