/**
 * Which processes share the work. A member is a row that its process renews over a session of its own; whoever has not
 * renewed it for its lifetime, or whose session is gone, is taken out by the next member that looks, and all its sessions
 * end. A killed process loses its session at once, a frozen one keeps it and runs out of time. All times are the
 * database's.
 */
import { PgConnection } from "@effect/sql-pg"
import { Context, Effect, Layer, Queue, type Scope } from "effect"
import { Database } from "./Database.ts"
import { asStorageError } from "./internal/sqlFailure.ts"
import type { StorageError } from "./StorageError.ts"

/** Who joins. */
export interface ReplicaIdentity {
  /** A UUID that no other process has. */
  readonly id: string
  /** For people: where it runs. */
  readonly name: string
  /** How long it counts as alive after it renewed, milliseconds. The same in all replicas. */
  readonly lifetimeMs: number
}

/** A member. */
export interface Replica {
  readonly id: string
  readonly name: string
  readonly startedAt: Date
}

/** What changed: a tenant's record, the members, or claims that were given back. */
export type Notice =
  | { readonly kind: "tenant"; readonly slug: string }
  | { readonly kind: "replicas" }
  | { readonly kind: "released" }

/** The session by which a replica lives. */
export interface ReplicaSession {
  /**
   * Says that this replica is there, takes out those who are not, and gives all members. `isNew` when it was no member
   * before: then whatever it had claimed is not its own any more.
   */
  readonly renew: Effect.Effect<{ readonly members: ReadonlyArray<Replica>; readonly isNew: boolean }, StorageError>
  /** What others changed, one or more notices at a time. Fails when the session is lost. */
  readonly notices: Effect.Effect<ReadonlyArray<Notice>, StorageError>
  /** Stops being a member at once, and tells the others. */
  readonly leave: Effect.Effect<void, StorageError>
}

/** The replicas of core. */
export class Replicas extends Context.Service<
  Replicas,
  {
    /** Opens a session until the scope closes. It makes no member yet. */
    readonly open: (self: ReplicaIdentity) => Effect.Effect<ReplicaSession, StorageError, Scope.Scope>
  }
>()("@bulkhead/storage/Replicas") {
  static readonly layer: Layer.Layer<Replicas, never, Database> = Layer.effect(
    Replicas,
    Effect.suspend(() => make)
  )
}

/** The channel on which triggers and `Claims.release` tell what changed. */
const CHANNEL = "bulkhead"

const MEMBERS = `select id, name, started_at as "startedAt" from bulkhead.core_replicas order by id`

const RENEW = `
  insert into bulkhead.core_replicas as replica (id, name, session_pid, session_started_at, application_name)
  select $1::uuid, $2, pid, backend_start, application_name from pg_stat_activity where pid = pg_backend_pid()
  on conflict (id) do update set seen_at = clock_timestamp(), session_pid = excluded.session_pid,
    session_started_at = excluded.session_started_at
  returning xmax = 0 as "isNew"`

// A session of another login role shows no start; then its number must do. A process that froze within a transaction
// would keep its locks for as long as its sessions last, and so its successor from writing.
const TAKE_OUT = `
  with gone as (
    delete from bulkhead.core_replicas as replica
    where id <> $1::uuid and (
      seen_at < clock_timestamp() - $2::int * interval '1 millisecond' or not exists (
        select from pg_stat_activity
        where pid = session_pid and (backend_start is null or backend_start = session_started_at)))
    returning application_name
  ) select pg_terminate_backend(pid) from pg_stat_activity join gone using (application_name)
    where usename = current_user and application_name <> current_setting('application_name')`

const LEAVE = "delete from bulkhead.core_replicas where id = $1::uuid"

const noticeOf = (payload: string): Notice => {
  const [kind, slug = ""] = payload.split(" ")
  if (kind === "tenant") return { kind, slug }
  return { kind: kind === "released" ? "released" : "replicas" }
}

const make = Effect.gen(function* () {
  const { sql } = yield* Database

  const open = Effect.fn("Replicas.open")(function* ({ id, name, lifetimeMs }: ReplicaIdentity) {
    const session = yield* Effect.flatMap(PgConnection.make(sql.config), (connection) => connection.pin)
    // Nothing that a member says of itself outlives the server.
    yield* session.query("set synchronous_commit = off")
    const notifications = yield* session.listen(CHANNEL)
    const rows = <A>(text: string, values: ReadonlyArray<unknown> = []) =>
      Effect.map(session.query(text, values), (result) => result.rows as ReadonlyArray<unknown> as ReadonlyArray<A>)
    return {
      renew: Effect.gen(function* () {
        const [renewed] = yield* rows<{ isNew: boolean }>(RENEW, [id, name])
        yield* rows(TAKE_OUT, [id, lifetimeMs])
        return { members: yield* rows<Replica>(MEMBERS), isNew: renewed?.isNew ?? false }
      }).pipe(asStorageError("Replicas.renew")),
      notices: Queue.takeAll(notifications).pipe(
        Effect.map((all) => all.map(({ payload }) => noticeOf(payload))),
        asStorageError("Replicas.notices")
      ),
      leave: Effect.asVoid(rows(LEAVE, [id])).pipe(asStorageError("Replicas.leave"))
    } satisfies ReplicaSession
  }, asStorageError("Replicas.open"))

  return Replicas.of({ open })
})
