/**
 * Small questions about a stream: how it stands, and which message lies where.
 */
import { ORIGIN_HEADER, sortFailure } from "@bulkhead/nats"
import type { StoredMsg, StreamConfig, StreamInfo } from "@nats-io/jetstream"
import { Effect } from "effect"
import { MigrationError, WrongState } from "../MigrationError.ts"
import { JetStreamAdmin, type JetStreamApi } from "./JetStreamAdmin.ts"
import { type Origin, parseOrigin } from "./origin.ts"

/** A stored message, without its payload. */
export interface FoundMessage {
  readonly sequence: number
  readonly subject: string
  /** Undefined for one that was published into the stream itself. */
  readonly origin: Origin | undefined
}

const ask = <A>(stream: string, rights: string, run: (api: JetStreamApi) => Promise<A>) =>
  Effect.flatMap(JetStreamAdmin, (admin) => admin.ask({ what: `stream "${stream}"`, rights, ask: run }))

/** Undefined where there is no such stream. */
export const findStreamInfo = (stream: string) =>
  ask(
    stream,
    `STREAM.INFO.${stream}`,
    ({ manager }): Promise<StreamInfo | undefined> =>
      manager.streams.info(stream).catch((error: unknown) => {
        if (sortFailure(error).kind === "stream_missing") return undefined
        throw error
      })
  )

/** Fails with `WrongState` where there is no such stream. */
export const streamInfo = Effect.fnUntraced(function* (stream: string) {
  const found = yield* findStreamInfo(stream)
  if (found !== undefined) return found
  const reason = new WrongState({
    problem: `stream "${stream}" is gone`,
    nextStep: "find out who deleted it; what it held is in the other streams of the plan"
  })
  return yield* new MigrationError({ operation: "streamInfo", reason })
})

const found = (message: StoredMsg | null): ReadonlyArray<FoundMessage> =>
  message === null
    ? []
    : [
        {
          sequence: message.seq,
          subject: message.subject,
          origin: parseOrigin(message.header.get(ORIGIN_HEADER))
        }
      ]

const bySequence = (a: FoundMessage, b: FoundMessage) => a.sequence - b.sequence

/** The newest message under some patterns. */
export const lastUnder = (stream: string, patterns: ReadonlyArray<string>) =>
  ask(stream, `STREAM.MSG.GET.${stream}`, async ({ manager }) => {
    const messages: Array<FoundMessage> = []
    for (const pattern of patterns) {
      messages.push(...found(await manager.streams.getMessage(stream, { last_by_subj: pattern })))
    }
    return messages.sort(bySequence).at(-1)
  })

/** The first message under some patterns at or behind a sequence. */
export const nextUnder = (stream: string, patterns: ReadonlyArray<string>, sequence: number) =>
  ask(stream, `STREAM.MSG.GET.${stream}`, async ({ manager }) => {
    const messages: Array<FoundMessage> = []
    for (const pattern of patterns) {
      const query = { seq: Math.max(1, sequence), next_by_subj: pattern }
      messages.push(...found(await manager.streams.getMessage(stream, query)))
    }
    return messages.sort(bySequence).at(0)
  })

/** Every subject under which the stream holds a message. */
export const storedSubjects = (stream: string) =>
  ask(stream, `STREAM.INFO.${stream}`, async ({ manager }) => {
    const { state } = await manager.streams.info(stream, { subjects_filter: ">" })
    return Object.keys(state.subjects ?? {})
  })

/** Changes a part of a stream's configuration. */
export const updateStream = (stream: string, change: Partial<StreamConfig>) =>
  ask(stream, `STREAM.INFO.${stream} and STREAM.UPDATE.${stream}`, ({ manager }) =>
    manager.streams.update(stream, change)
  )

/** Deletes a stream with all that is in it; one that is not there is fine. */
export const deleteStream = (stream: string) =>
  ask(stream, `STREAM.DELETE.${stream}`, ({ manager }) =>
    manager.streams.delete(stream).catch((error: unknown) => {
      if (sortFailure(error).kind === "stream_missing") return true
      throw error
    })
  )
