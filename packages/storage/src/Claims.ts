/**
 * Who runs what: each name is claimed by one member at a time. A claim ends when its holder gives it back or is no
 * member any more. It keeps work apart that would only disturb itself; that nothing is written twice is the watermark's
 * doing.
 */
import { Context, Effect, Layer } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import { Database } from "./Database.ts"
import { asStorageError, sqlStateOf } from "./internal/sqlFailure.ts"
import { textArray } from "./internal/textArray.ts"
import type { StorageError } from "./StorageError.ts"

/** What can be claimed: a tenant by its slug, or a duty that one replica has for all. */
export type ClaimKind = "tenant" | "duty"

/** Takes and gives back, as the replica with that id. */
export class Claims extends Context.Service<
  Claims,
  {
    /** Claims what nobody has; gives the names that are this replica's now. None for one that is no member. */
    readonly take: (
      replica: string,
      kind: ClaimKind,
      names: ReadonlyArray<string>
    ) => Effect.Effect<ReadonlyArray<string>, StorageError>
    /** Gives back, and tells the others. */
    readonly release: (
      replica: string,
      kind: ClaimKind,
      names: ReadonlyArray<string>
    ) => Effect.Effect<void, StorageError>
    /** How many this replica has. */
    readonly count: (replica: string, kind: ClaimKind) => Effect.Effect<number, StorageError>
    /** What this replica has. */
    readonly held: (replica: string, kind: ClaimKind) => Effect.Effect<ReadonlyArray<string>, StorageError>
  }
>()("@bulkhead/storage/Claims") {
  static readonly layer: Layer.Layer<Claims, never, Database> = Layer.effect(
    Claims,
    Effect.suspend(() => make)
  )
}

const FOREIGN_KEY_VIOLATION = "23503"

const make = Effect.gen(function* () {
  const { sql } = yield* Database

  const take = Effect.fn("Claims.take")(function* (replica: string, kind: ClaimKind, names: ReadonlyArray<string>) {
    // In one order everywhere, so that two who claim at once do not wait for each other in a circle.
    const sorted = textArray([...names].sort())
    const rows = yield* sql<{ name: string }>`
      insert into bulkhead.claims (kind, name, replica)
      select ${kind}, name, ${replica}::uuid from unnest(${sorted}) as wanted (name)
      on conflict (kind, name) do update set replica = excluded.replica, since = clock_timestamp()
        where claims.replica is null or claims.replica = excluded.replica
      returning name`.pipe(
      Effect.catchIf(
        (error: SqlError) => sqlStateOf(error) === FOREIGN_KEY_VIOLATION,
        () => Effect.succeed([])
      ),
      asStorageError("Claims.take")
    )
    return rows.map(({ name }) => name)
  })

  const release = Effect.fn("Claims.release")(function* (
    replica: string,
    kind: ClaimKind,
    names: ReadonlyArray<string>
  ) {
    yield* sql`
      with released as (
        delete from bulkhead.claims
        where kind = ${kind} and replica = ${replica}::uuid and name = any(${textArray(names)}) returning 1
      ) select pg_notify('bulkhead', 'released') from released limit 1`.pipe(asStorageError("Claims.release"))
  })

  const count = (replica: string, kind: ClaimKind) =>
    sql<{ count: number }>`
      select count(*)::int as count from bulkhead.claims where replica = ${replica}::uuid and kind = ${kind}`.pipe(
      Effect.map(([row]) => row?.count ?? 0),
      asStorageError("Claims.count")
    )

  const held = (replica: string, kind: ClaimKind) =>
    sql<{ name: string }>`select name from bulkhead.claims where replica = ${replica}::uuid and kind = ${kind}`.pipe(
      Effect.map((rows) => rows.map(({ name }) => name)),
      asStorageError("Claims.held")
    )

  return Claims.of({ take, release, count, held })
})
