/**
 * Lets one process at a time do a piece of work: the one whose session of PostgreSQL has the lock of its name. Others
 * stand by, and take over when that session ends, however it ends.
 */
import { PgConnection } from "@effect/sql-pg"
import { Context, Effect, Layer, type Scope } from "effect"
import { Database } from "./Database.ts"
import { asStorageError } from "./internal/sqlFailure.ts"
import type { StorageError } from "./StorageError.ts"

/** A session. Everything fails once it is lost; then another process may have the work. */
export interface SoleWriterSession {
  /** Whether this session has the work; asking takes it where it is free. */
  readonly isSole: Effect.Effect<boolean, StorageError>
}

export class SoleWriter extends Context.Service<
  SoleWriter,
  {
    /** Opens a session until the scope closes. */
    readonly open: (work: string) => Effect.Effect<SoleWriterSession, StorageError, Scope.Scope>
  }
>()("@bulkhead/storage/SoleWriter") {
  static readonly layer: Layer.Layer<SoleWriter, never, Database> = Layer.effect(
    SoleWriter,
    Effect.suspend(() => make)
  )
}

const LOCK = "select pg_try_advisory_lock(hashtextextended($1, 0)) as taken"
const STILL = "select true as taken"

const make = Effect.gen(function* () {
  const { sql } = yield* Database
  const open = Effect.fn("SoleWriter.open")(function* (work: string) {
    const session = yield* Effect.flatMap(PgConnection.make(sql.config), (connection) => connection.pin)
    let isTaken = false
    const ask = Effect.suspend(() =>
      isTaken ? session.query(STILL, []) : session.query(LOCK, [`bulkhead.sole.${work}`])
    )
    const isSole = ask.pipe(
      Effect.map(({ rows }) => {
        isTaken = (rows[0] as { readonly taken?: boolean } | undefined)?.taken === true
        return isTaken
      }),
      asStorageError("SoleWriter.isSole")
    )
    return { isSole } satisfies SoleWriterSession
  }, asStorageError("SoleWriter.open"))
  return SoleWriter.of({ open })
})
