/**
 * What read the streams before there were tenants: a durable consumer whose reader writes each message into a table,
 * without looking whether it is there already. When its consumer has moved, it reads on at the new place, as its owner
 * would have it do.
 */
import { waitUntil } from "@bulkhead/devstack"
import { PgClient } from "@effect/sql-pg"
import {
  AckPolicy,
  type ConsumerInfo,
  type JetStreamClient,
  type JetStreamManager,
  type JsMsg,
  jetstream
} from "@nats-io/jetstream"
import type { NatsConnection } from "@nats-io/transport-node"
import { Effect } from "effect"

export const OLD_STREAM = "events"
export const NEW_STREAM = "events-default"
export const OLD_WRITER = "db-event-writer"

/** Its table has no unique key: what comes twice stands there twice. */
export const OLD_TABLE = "public.old_events"

const BATCH = 100
const LOOK_EVERY = "100 millis"

const consumerInfo = (manager: JetStreamManager, stream: string): Promise<ConsumerInfo | undefined> =>
  manager.consumers.info(stream, OLD_WRITER).catch(() => undefined)

/** A batch; nothing while there is no such consumer, or while it stands still. */
const fetchBatch = async (client: JetStreamClient, manager: JetStreamManager, stream: string) => {
  const messages: Array<JsMsg> = []
  if ((await consumerInfo(manager, stream)) === undefined) return messages
  try {
    const consumer = await client.consumers.get(stream, OLD_WRITER)
    for await (const message of await consumer.fetch({ max_messages: BATCH, expires: 1_000 })) messages.push(message)
  } catch {
    // The consumer may be taken away meanwhile; what it gave out before counts.
  }
  return messages
}

const idOf = (message: JsMsg): string => message.json<{ readonly id: string }>().id

/** Makes stream, consumer and table, and reads until the scope closes. */
export const startOldWriter = Effect.fnUntraced(function* (connection: NatsConnection, manager: JetStreamManager) {
  const sql = yield* PgClient.PgClient
  const client = jetstream(connection)
  yield* sql.unsafe(`create table ${OLD_TABLE} (id uuid not null)`)
  yield* Effect.promise(async () => {
    await manager.streams.add({ name: OLD_STREAM, subjects: ["events.>", "logs.>"] })
    await manager.consumers.add(OLD_STREAM, { durable_name: OLD_WRITER, ack_policy: AckPolicy.Explicit })
  })
  const readFrom = Effect.fnUntraced(function* (stream: string) {
    const messages = yield* Effect.promise(() => fetchBatch(client, manager, stream))
    if (messages.length === 0) return yield* Effect.sleep(LOOK_EVERY)
    yield* sql.unsafe(`insert into ${OLD_TABLE} select unnest($1::uuid[])`, [messages.map(idOf)])
    for (const message of messages) message.ack()
  })
  for (const stream of [OLD_STREAM, NEW_STREAM]) yield* Effect.forkScoped(Effect.forever(readFrom(stream)))
})

/** Waits until so many consumers of a stream, all that it has, have read and acknowledged it to its end. */
export const awaitRead = (manager: JetStreamManager, stream: string, readers: number) =>
  waitUntil(
    `everything in stream "${stream}" is read by ${readers} readers`,
    Effect.promise(async () => {
      const consumers = await manager.consumers.list(stream).next()
      return consumers.length === readers && consumers.every(isAtEnd)
    })
  )

const isAtEnd = ({ num_pending: pending, num_ack_pending: unacknowledged }: ConsumerInfo): boolean =>
  pending + unacknowledged === 0
