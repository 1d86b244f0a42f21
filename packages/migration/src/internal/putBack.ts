/**
 * Brings messages that only a new stream holds back into the old ones, without their prefix. Each says where it comes
 * from, so that a process which goes on where another was killed knows what is back already. An old stream that was told
 * the message's id drops it, as it drops what its publisher repeats: so it comes back under an id of its own. One that has
 * received the message itself meanwhile needs it no more.
 */

import { subjectMatches } from "@bulkhead/channels"
import { ORIGIN_HEADER, RETURNED_HEADER } from "@bulkhead/nats"
import type { JetStreamClient } from "@nats-io/jetstream"
import { type MsgHdrs, headers as makeHeaders } from "@nats-io/nats-core"
import { Effect } from "effect"
import type { MigrationPlan, PlannedTarget } from "../MigrationPlan.ts"
import { JetStreamAdmin } from "./JetStreamAdmin.ts"
import { readMessages } from "./readMessages.ts"
import { streamInfo } from "./streamState.ts"

export const ID_HEADER = "Nats-Msg-Id"

interface Returning {
  readonly subject: string
  readonly headers: MsgHdrs
  readonly data: Uint8Array
}

const isServersOwn = (name: string): boolean => name === ORIGIN_HEADER || name.startsWith("Nats-Expected-")

const returning = (target: PlannedTarget, sequence: number, given: MsgHdrs | undefined): MsgHdrs => {
  const headers = makeHeaders()
  for (const [name, values] of given ?? []) {
    if (!isServersOwn(name)) for (const value of values) headers.append(name, value)
  }
  const mark = `${target.stream} ${sequence}`
  headers.set(RETURNED_HEADER, mark)
  return headers.has(ID_HEADER) ? headers : withOwnId(headers)
}

const withOwnId = (headers: MsgHdrs): MsgHdrs => {
  headers.set(ID_HEADER, `bulkhead-returned ${headers.get(RETURNED_HEADER)}`)
  return headers
}

/** The sequences of a new stream that are back in an old one already. */
const returnedBefore = Effect.fnUntraced(function* (target: PlannedTarget, source: string, from: number) {
  const { state } = yield* streamInfo(source)
  const found = new Set<number>()
  const range = { fromSequence: from + 1, toSequence: state.last_seq }
  yield* readMessages({ stream: source, headersOnly: true, ...range }, (message) => {
    const [stream, sequence] = (message.headers?.get(RETURNED_HEADER) ?? "").split(" ")
    if (stream === target.stream) found.add(Number(sequence))
  })
  return found
})

const AT_ONCE = 100

const publishAll = Effect.fnUntraced(function* (messages: ReadonlyArray<Returning>, stream: string, through: number) {
  const admin = yield* JetStreamAdmin
  const publish = (client: JetStreamClient, { subject, headers, data }: Returning) =>
    client.publish(subject, data, { headers, expect: { streamName: stream } })
  for (let at = 0; at < messages.length; at += AT_ONCE) {
    const some = messages.slice(at, at + AT_ONCE)
    yield* admin.ask({
      what: `messages for stream "${stream}"`,
      rights: `STREAM.INFO, and to publish to ${[...new Set(some.map(({ subject }) => subject))].slice(0, 3).join(", ")}`,
      ask: ({ client }) =>
        Promise.all(
          some.map(async (message) => {
            const ack = await publish(client, message)
            if (!ack.duplicate || ack.seq > through) return
            await publish(client, { ...message, headers: withOwnId(message.headers) })
          })
        )
    })
  }
})

export interface PutBackOptions {
  readonly plan: MigrationPlan
  readonly target: PlannedTarget
  /** The sequences of the new stream that are to go back. */
  readonly sequences: ReadonlySet<number>
  readonly fromSequence: number
  readonly toSequence: number
  /** Up to where each old stream was copied: its consumers go on there, or before. */
  readonly through: (source: string) => number
}

/** So many sequences are in memory at once. */
const CHUNK = 5_000

interface Chunk {
  readonly bySource: ReadonlyMap<string, ReadonlyArray<Returning>>
  readonly homeless: ReadonlySet<string>
}

const readChunk = Effect.fnUntraced(function* (
  { plan, target, sequences }: PutBackOptions,
  isBack: (source: string, sequence: number) => boolean,
  range: { readonly fromSequence: number; readonly toSequence: number }
) {
  const bySource = new Map<string, Array<Returning>>()
  const homeless = new Set<string>()
  const prefixed = target.tenant.length + 1
  yield* readMessages({ stream: target.stream, ...range }, (message) => {
    if (!sequences.has(message.seq)) return
    const subject = message.subject.slice(prefixed)
    const source = plan.sources.find(({ subjects }) => subjects.some((pattern) => subjectMatches(pattern, subject)))
    if (source === undefined) return void homeless.add(message.subject)
    if (isBack(source.stream, message.seq)) return
    const known = bySource.get(source.stream) ?? []
    bySource.set(source.stream, known)
    known.push({ subject, headers: returning(target, message.seq, message.headers), data: message.data })
  })
  const chunk: Chunk = { bySource, homeless }
  return chunk
})

/** Gives the subjects that no old stream takes: their messages stay where they are. */
export const putBack = Effect.fnUntraced(function* (options: PutBackOptions) {
  const { plan, target, sequences, fromSequence, toSequence } = options
  const homeless = new Set<string>()
  if (sequences.size === 0) return homeless
  const back = new Map<string, ReadonlySet<number>>()
  for (const { stream } of plan.sources) {
    back.set(stream, yield* returnedBefore(target, stream, options.through(stream)))
  }
  const isBack = (source: string, sequence: number) => back.get(source)?.has(sequence) === true
  for (let from = fromSequence; from <= toSequence; from += CHUNK) {
    const range = { fromSequence: from, toSequence: Math.min(toSequence, from + CHUNK - 1) }
    const chunk = yield* readChunk(options, isBack, range)
    for (const [source, messages] of chunk.bySource) {
      yield* publishAll(messages, source, options.through(source))
    }
    for (const subject of chunk.homeless) homeless.add(subject)
  }
  return homeless
})
