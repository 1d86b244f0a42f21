/**
 * Reads a part of a stream once, in order, without leaving a trace: for checksums, and to find where copies come from. A
 * reader that is cut off goes on behind the last message it got. Plain code inside, one Effect for the whole.
 */
import { AckPolicy, DeliverPolicy, type JsMsg } from "@nats-io/jetstream"
import { nanos } from "@nats-io/nats-core"
import { Effect } from "effect"
import { JetStreamAdmin, type JetStreamApi } from "./JetStreamAdmin.ts"

export interface ReadOptions {
  readonly stream: string
  /** All subjects when absent. */
  readonly filterSubjects?: ReadonlyArray<string>
  readonly fromSequence: number
  /** Reading ends at the last message at or before it. */
  readonly toSequence: number
  readonly headersOnly?: boolean
  /** Told now and then how far it is. */
  readonly onProgress?: (sequence: number) => void
}

const AT_ONCE = 4_000
const FETCH_WAIT_MS = 5_000
const FORGET_AFTER_MS = 60_000

const open = async ({ manager, client }: JetStreamApi, options: ReadOptions, from: number) => {
  const { stream, filterSubjects } = options
  const info = await manager.consumers.add(stream, {
    ack_policy: AckPolicy.None,
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: Math.max(1, from),
    mem_storage: true,
    inactive_threshold: nanos(FORGET_AFTER_MS),
    headers_only: options.headersOnly ?? false,
    ...(filterSubjects === undefined ? {} : { filter_subjects: [...filterSubjects] })
  })
  return { info, consumer: client.consumers.getConsumerFromInfo(info) }
}

/** Gives each message to `take`; `take` must not fail. Gives the last sequence that was read, `fromSequence` - 1 for none. */
export const readMessages = Effect.fnUntraced(function* (options: ReadOptions, take: (message: JsMsg) => void) {
  const { stream, toSequence } = options
  const admin = yield* JetStreamAdmin
  let last = options.fromSequence - 1
  yield* admin.ask({
    what: `the messages of stream "${stream}"`,
    rights: `CONSUMER.CREATE.${stream}.>, CONSUMER.MSG.NEXT.${stream}.> and CONSUMER.DELETE.${stream}.>`,
    ask: async (api) => {
      if (last >= toSequence) return
      const { info, consumer } = await open(api, options, last + 1)
      let left = info.num_pending
      let deliveries = 0
      try {
        while (left > 0 && last < toSequence) {
          const batch = await consumer.fetch({ max_messages: Math.min(left, AT_ONCE), expires: FETCH_WAIT_MS })
          const before = deliveries
          for await (const message of batch) {
            const { deliverySequence, pending } = message.info
            if (deliverySequence !== deliveries + 1) throw new Error(`delivery ${deliveries + 1} did not arrive`)
            deliveries = deliverySequence
            left = pending
            if (message.seq > toSequence) {
              last = toSequence
              break
            }
            last = message.seq
            take(message)
          }
          // Nothing came: either there is nothing any more, or the server was slow.
          if (deliveries === before) left = (await api.manager.consumers.info(stream, info.name)).num_pending
          options.onProgress?.(last)
        }
      } finally {
        await api.manager.consumers.delete(stream, info.name).catch(() => false)
      }
    }
  })
  return last
})
