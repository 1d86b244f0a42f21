/**
 * Where a writer of many tenants' lanes stands in the stream that they share. Up to its low watermark every message is
 * written, or belongs to a tenant that is held back; each tenant's own watermark stays the truth about the tenant.
 *
 * The low watermark and the list of held tenants are written over one session of PostgreSQL that is open as long as the
 * writer works. Tenants' batches are committed without waiting for the disk; whatever loses them ends that session too,
 * so a low watermark that could be written says that nothing before it was lost.
 */
import type { TenantSlug } from "@bulkhead/channels"
import { PgConnection } from "@effect/sql-pg"
import { Context, Effect, Layer, type Scope } from "effect"
import { Database } from "./Database.ts"
import { asStorageError } from "./internal/sqlFailure.ts"
import type { StorageError } from "./StorageError.ts"

/** Why a tenant does not go along with the others: a closed list, for tables, logs and metrics. */
export const HOLD_REASONS = ["unknown_tenant", "not_provisioned", "refused", "slow", "behind"] as const
export type HoldReason = (typeof HOLD_REASONS)[number]

/** A tenant whose messages are passed over; they wait in the stream behind the tenant's own watermark. */
export interface HeldTenant {
  readonly tenant: TenantSlug
  readonly reason: HoldReason
  /** For a person. */
  readonly problem: string
}

/** Where a shared lane stands. */
export interface SharedLanePlace {
  readonly watermark: number
  /** When it was last written. */
  readonly updatedAt: Date
  readonly held: ReadonlyArray<HeldTenant>
}

/** The stream that tenants share: its name, and when it was made. */
export interface SharedStreamName {
  readonly stream: string
  readonly createdAt: string
}

/** A writer's session. Everything fails once the session is lost; then nothing is known of what was written last. */
export interface SharedLaneSession {
  /** Whether this session is the only one that writes from the stream; asking takes the place when it is free. */
  readonly isOnlyWriter: Effect.Effect<boolean, StorageError>
  /** Where the lane stands; makes a new one that stands at 0. */
  readonly place: Effect.Effect<SharedLanePlace, StorageError>
  /** Writes both; after `place`. */
  readonly keep: (watermark: number, held: ReadonlyArray<HeldTenant>) => Effect.Effect<void, StorageError>
  /** Fails when PostgreSQL or the session is gone. */
  readonly check: Effect.Effect<void, StorageError>
}

export class SharedLanes extends Context.Service<
  SharedLanes,
  {
    /** Opens a session for the lane of this incarnation of the stream, until the scope closes. */
    readonly open: (source: SharedStreamName) => Effect.Effect<SharedLaneSession, StorageError, Scope.Scope>
  }
>()("@bulkhead/storage/SharedLanes") {
  static readonly layer: Layer.Layer<SharedLanes, never, Database> = Layer.effect(
    SharedLanes,
    Effect.suspend(() => make)
  )
}

const LOCK = "select pg_try_advisory_lock(hashtextextended($1, 0)) as taken"

const OPEN = "insert into bulkhead.shared_lanes (lane) values ($1) on conflict do nothing"

const PLACE = `select seq::float8 as watermark, updated_at as "updatedAt" from bulkhead.shared_lanes where lane = $1`

const HELD = "select tenant, reason, problem from bulkhead.held_tenants where lane = $1 order by tenant"

/** One statement: a low watermark never stands without the tenants that it passed over. */
const KEEP = `
  with wanted as (
    select tenant, reason, problem from jsonb_to_recordset($3::jsonb) as one (tenant text, reason text, problem text)
  ), gone as (
    delete from bulkhead.held_tenants where lane = $1 and tenant not in (select tenant from wanted)
  ), held as (
    insert into bulkhead.held_tenants as known (lane, tenant, reason, problem)
    select $1, tenant, reason, problem from wanted
    on conflict (lane, tenant) do update set reason = excluded.reason, problem = excluded.problem
    where (known.reason, known.problem) is distinct from (excluded.reason, excluded.problem)
  )
  update bulkhead.shared_lanes set seq = $2::bigint, updated_at = now() where lane = $1`

const make = Effect.gen(function* () {
  const { sql } = yield* Database

  const open = Effect.fn("SharedLanes.open")(function* ({ stream, createdAt }: SharedStreamName) {
    const lane = `${stream}@${createdAt}`
    const session = yield* Effect.flatMap(PgConnection.make(sql.config), (connection) => connection.pin)
    yield* session.query("set synchronous_commit = off")
    const rows = <A>(text: string, values: ReadonlyArray<unknown> = []) =>
      Effect.map(session.query(text, values), (result) => result.rows as ReadonlyArray<unknown> as ReadonlyArray<A>)
    return {
      isOnlyWriter: rows<{ taken: boolean }>(LOCK, [`bulkhead.shared.${stream}`]).pipe(
        Effect.map(([row]) => row?.taken === true),
        asStorageError("SharedLanes.isOnlyWriter")
      ),
      place: Effect.gen(function* () {
        yield* rows(OPEN, [lane])
        const [place] = yield* rows<Omit<SharedLanePlace, "held">>(PLACE, [lane])
        if (place === undefined) return yield* Effect.die(new Error(`lane "${lane}" vanished while it was opened`))
        return { ...place, held: yield* rows<HeldTenant>(HELD, [lane]) }
      }).pipe(asStorageError("SharedLanes.place")),
      keep: (watermark, held) =>
        rows(KEEP, [lane, watermark, JSON.stringify(held)]).pipe(Effect.asVoid, asStorageError("SharedLanes.keep")),
      check: rows("select 1").pipe(Effect.asVoid, asStorageError("SharedLanes.check"))
    } satisfies SharedLaneSession
  }, asStorageError("SharedLanes.open"))

  return SharedLanes.of({ open })
})
