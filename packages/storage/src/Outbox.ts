/**
 * The messages about tenants that wait for publication. A relay takes them, publishes each under its `messageId`, and
 * removes it after the stream's ack: at least once, and once within the stream's duplicate window.
 */
import type { TenantSlug } from "@bulkhead/channels"
import { PgTypes } from "@effect/sql-pg"
import { Context, Effect, Layer, Result } from "effect"
import { Database } from "./Database.ts"
import { asStorageError } from "./internal/sqlFailure.ts"
import type { OutboxDraft } from "./lifecycleMessages.ts"
import type { StorageError } from "./StorageError.ts"

/** A message that waits, with the tenant it is about. */
export interface OutboxMessage extends OutboxDraft {
  /** Rises with time for each tenant. */
  readonly id: bigint
  readonly tenant: TenantSlug
  /** A UUID for `Nats-Msg-Id`, the same however often it is published. */
  readonly messageId: string
}

/** So many of one tenant's messages at most in one take: a tenant whose stream is away does not hold up the others. */
const PER_TENANT_MAX = 10

/** The relay's side of the outbox. */
export class Outbox extends Context.Service<
  Outbox,
  {
    /**
     * The oldest messages, at most `limit`, at most 10 of one tenant; the order of each tenant is kept. A message whose
     * publication fails must hold back the later ones of its tenant. One relay at a time: two would publish twice.
     */
    readonly take: (limit: number) => Effect.Effect<ReadonlyArray<OutboxMessage>, StorageError>
    /** Removes published messages; the ones left are those not yet published. */
    readonly markPublished: (ids: ReadonlyArray<bigint>) => Effect.Effect<void, StorageError>
    /** How many wait, and how old the oldest is: worth an alert. */
    readonly pending: Effect.Effect<
      { readonly messages: number; readonly oldestAgeMs: number | undefined },
      StorageError
    >
  }
>()("@bulkhead/storage/Outbox") {
  static readonly layer: Layer.Layer<Outbox, never, Database> = Layer.effect(
    Outbox,
    Effect.suspend(() => make)
  )
}

const make = Effect.gen(function* () {
  const { sql } = yield* Database

  const take = Effect.fn("Outbox.take")(function* (limit: number) {
    return yield* sql<OutboxMessage>`
      select id, kind, tenant, subject, message_id as "messageId", payload
      from (
        select *, row_number() over (partition by tenant order by id) as place from bulkhead.outbox
      ) as waiting
      where place <= ${PER_TENANT_MAX} order by id limit ${limit}`.pipe(asStorageError("Outbox.take"))
  })

  const markPublished = Effect.fn("Outbox.markPublished")(function* (ids: ReadonlyArray<bigint>) {
    const list = Result.getOrThrow(PgTypes.array(ids, PgTypes.OID.int8))
    yield* sql`delete from bulkhead.outbox where id = any(${list})`.pipe(asStorageError("Outbox.markPublished"))
  })

  const pending = sql<{ messages: number; oldestAgeMs: number | null }>`
    select count(*)::int as messages,
      (extract(epoch from clock_timestamp() - min(created_at)) * 1000)::float8 as "oldestAgeMs"
    from bulkhead.outbox`.pipe(
    Effect.map(([row]) => ({ messages: row?.messages ?? 0, oldestAgeMs: row?.oldestAgeMs ?? undefined })),
    asStorageError("Outbox.pending"),
    Effect.withSpan("Outbox.pending")
  )

  return Outbox.of({ take, markPublished, pending })
})
