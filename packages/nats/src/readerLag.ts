/**
 * How far readers are behind, whoever they are: what the server says of their consumers, and how long the oldest message
 * that waits for each has waited. Costs one question for a stream, and one for each consumer that is behind.
 */
import {
  baseOffset,
  DEFAULT_TENANT,
  NO_BASE,
  subjectMatches,
  type TenantSlug,
  tenantOfStream
} from "@bulkhead/channels"
import type { ConsumerInfo, JetStreamManager } from "@nats-io/jetstream"
import { Clock, Effect } from "effect"
import { askJetStream, unlessMissing } from "./internal/askJetStream.ts"
import { consumersOf, filtersOf } from "./internal/lookAtStream.ts"

export interface ReaderLag {
  readonly stream: string
  readonly consumer: string
  /** Whose messages it reads; undefined where it reads those of several tenants. */
  readonly tenant: TenantSlug | undefined
  /** Messages that it has not read. */
  readonly pending: number
  /** Messages that it has read and not acknowledged. */
  readonly ackPending: number
  /** For how long the oldest of them has been in the stream; undefined without any, or where the server does not say. */
  readonly oldestAgeMs: number | undefined
  /** The last sequence that was delivered to it; 0 when none was. */
  readonly deliveredThrough: number
  readonly deliveredAt: Date | undefined
}

/** Questions for the oldest message of a reader that are under way at a time. */
const QUESTIONS_AT_ONCE = 8

/** The tenant whose messages lie under a filter; undefined for those of several. */
const tenantOfFilter = (filter: string): TenantSlug | undefined => {
  // As a subject under it would be: a wildcard's place is taken by a word.
  const offset = baseOffset(filter.endsWith(".>") ? `${filter.slice(0, -1)}x` : filter)
  if (offset === NO_BASE) return undefined
  return offset === 0 ? DEFAULT_TENANT : (filter.slice(0, offset - 1) as TenantSlug)
}

const tenantOf = (stream: string, filters: ReadonlyArray<string>): TenantSlug | undefined => {
  const owner = tenantOfStream(stream)
  if (owner !== undefined) return owner
  const [first, ...others] = new Set(filters.map(tenantOfFilter))
  return others.length === 0 ? first : undefined
}

/** When the stream received the oldest message that the reader has to do with yet. */
const oldestWaiting = async (manager: JetStreamManager, info: ConsumerInfo): Promise<Date | undefined> => {
  const { stream_name: stream, ack_floor: floor } = info
  const filters = filtersOf(info)
  // A stream that gives no single messages leaves the age open.
  const next = (next_by_subj: string) =>
    manager.direct.getMessage(stream, { seq: floor.stream_seq + 1, next_by_subj }).catch(() => null)
  // Writers read nearly all of a stream, under many filters: mostly one question will do.
  const first = filters.length === 1 ? null : await next(">")
  if (first !== null && (filters.length === 0 || filters.some((filter) => subjectMatches(filter, first.subject)))) {
    return first.time
  }
  const found = await Promise.all(filters.map(next))
  const [oldest] = found.flatMap((message) => message ?? []).sort((a, b) => a.seq - b.seq)
  return oldest?.time
}

const lagOf = async (manager: JetStreamManager, info: ConsumerInfo, nowMs: number): Promise<ReaderLag> => {
  const { stream_name: stream, name: consumer, num_pending: pending, num_ack_pending: ackPending, delivered } = info
  const oldest = pending + ackPending === 0 ? undefined : await oldestWaiting(manager, info)
  return {
    stream,
    consumer,
    tenant: tenantOf(stream, filtersOf(info)),
    pending,
    ackPending,
    oldestAgeMs: oldest === undefined ? undefined : Math.max(0, nowMs - oldest.getTime()),
    deliveredThrough: delivered.consumer_seq === 0 ? 0 : delivered.stream_seq,
    deliveredAt: delivered.last_active === undefined ? undefined : new Date(delivered.last_active)
  }
}

/**
 * One reader's lag; undefined where there is no such consumer.
 *
 * **Fails**: `NatsUnavailable` (retryable) without connection or answer, `RequestRefused` without the right.
 *
 * @stability stable
 */
export const readerLag = Effect.fn("readerLag")(function* (stream: string, durable: string) {
  const nowMs = yield* Clock.currentTimeMillis
  return yield* askJetStream({
    operation: "readerLag",
    what: `consumer "${durable}" of stream "${stream}"`,
    rights: "CONSUMER.INFO",
    ask: async (manager) => {
      const info = await manager.consumers.info(stream, durable).catch(unlessMissing)
      return info === undefined ? undefined : lagOf(manager, info, nowMs)
    }
  })
})

/**
 * The lag of every reader of a stream; none where there is no such stream.
 *
 * **Fails**: `NatsUnavailable` (retryable) without connection or answer, `RequestRefused` without the right.
 *
 * @stability stable
 */
export const readerLags = Effect.fn("readerLags")(function* (stream: string) {
  const nowMs = yield* Clock.currentTimeMillis
  return yield* askJetStream({
    operation: "readerLags",
    what: `consumers of stream "${stream}"`,
    rights: "CONSUMER.LIST",
    ask: async (manager) => {
      const infos = (await consumersOf(manager, stream).catch(unlessMissing)) ?? []
      const lags: Array<ReaderLag> = []
      for (let from = 0; from < infos.length; from += QUESTIONS_AT_ONCE) {
        const some = infos.slice(from, from + QUESTIONS_AT_ONCE)
        lags.push(...(await Promise.all(some.map((info) => lagOf(manager, info, nowMs)))))
      }
      return lags
    }
  })
})
