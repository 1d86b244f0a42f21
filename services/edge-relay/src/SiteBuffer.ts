/**
 * The buffer on the site's disk, and the relay's memory beside it: two streams of the leaf node.
 */
import { BUFFER_STREAM, BUFFER_SUBJECTS, POSITION_STREAM, POSITION_SUBJECT } from "@bulkhead/edge"
import { sortFailure } from "@bulkhead/nats"
import {
  DiscardPolicy,
  type JetStreamManager,
  jetstream,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
  type StoredMsg,
  type StreamConfig
} from "@nats-io/jetstream"
import { type NatsConnection, nuid } from "@nats-io/nats-core"
import { Context, Effect, Layer, Schema } from "effect"
import { BufferNats } from "./connections.ts"
import { type Position, PositionText } from "./Position.ts"
import { RelayConfig } from "./RelayConfig.ts"

/** The leaf node does not do what the relay needs; it is asked again. */
export class BufferFailed extends Schema.TaggedError<BufferFailed>()("BufferFailed", { problem: Schema.String }) {
  readonly isRetryable = true
  override get message(): string {
    return `the leaf node's buffer: ${this.problem}`
  }
}

/** What waits at the site. */
export interface BufferLevel {
  readonly messages: number
  readonly bytes: number
  /** The newest message's; 0 when there never was one. */
  readonly lastSequence: number
}

export class SiteBuffer extends Context.Service<
  SiteBuffer,
  {
    /** Makes the streams as they shall be, and gives the position; a new one where there is none. */
    readonly open: Effect.Effect<Position, BufferFailed>
    readonly remember: (position: Position) => Effect.Effect<void, BufferFailed>
    /** The oldest messages after a sequence, in order; asked only where there are some, as the answer is slow otherwise. */
    readonly read: (
      after: number,
      most: { readonly messagesMax: number; readonly bytesMax: number }
    ) => Effect.Effect<ReadonlyArray<StoredMsg>, BufferFailed>
    /** Gives the disk back. */
    readonly removeUpTo: (sequence: number) => Effect.Effect<void, BufferFailed>
    readonly level: Effect.Effect<BufferLevel, BufferFailed>
  }
>()("@bulkhead/edge-relay/SiteBuffer") {
  static readonly layer = Layer.effect(
    SiteBuffer,
    Effect.suspend(() => make)
  )
}

const DUPLICATE_WINDOW_NANOS = 120_000_000_000

type Wanted = Partial<StreamConfig> & Pick<StreamConfig, "name" | "subjects">

const bufferStream = (bytesMax: number, messageBytesMax: number): Wanted => ({
  name: BUFFER_STREAM,
  subjects: [...BUFFER_SUBJECTS],
  retention: RetentionPolicy.Limits,
  storage: StorageType.File,
  // A collector that is refused keeps its messages or counts them; one whose messages are dropped knows nothing of it.
  discard: DiscardPolicy.New,
  max_bytes: bytesMax,
  max_msg_size: messageBytesMax,
  duplicate_window: DUPLICATE_WINDOW_NANOS,
  allow_direct: true
})

const positionStream: Wanted = {
  name: POSITION_STREAM,
  subjects: [POSITION_SUBJECT],
  storage: StorageType.File,
  discard: DiscardPolicy.Old,
  max_msgs: 1,
  allow_direct: true
}

const ensure = async (manager: JetStreamManager, wanted: Wanted): Promise<void> => {
  const isThere = await manager.streams.info(wanted.name).then(
    () => true,
    (error: unknown) => {
      if (sortFailure(error).kind === "stream_missing") return false
      throw error
    }
  )
  await (isThere ? manager.streams.update(wanted.name, wanted) : manager.streams.add(wanted as StreamConfig))
}

const make = Effect.gen(function* () {
  const config = yield* RelayConfig
  const { connection } = yield* BufferNats

  const ask = <A>(use: (connection: NatsConnection, manager: JetStreamManager) => Promise<A>) =>
    Effect.flatMap(connection, (open) =>
      Effect.tryPromise({
        try: async () => use(open, await jetstreamManager(open, { checkAPI: false })),
        catch: (cause) => new BufferFailed({ problem: sortFailure(cause).problem })
      })
    )

  const remembered = Effect.flatMap(
    ask(async (_, manager) => {
      const { created } = await manager.streams.info(BUFFER_STREAM)
      const found = await manager.direct.getMessage(POSITION_STREAM, { last_by_subj: POSITION_SUBJECT })
      return { created, text: found?.string() }
    }),
    Effect.fnUntraced(function* ({ created, text }) {
      const anew = { relay: nuid.next(), buffer: created, done: 0, sent: 0, mark: 0 }
      if (text === undefined) return anew
      const position = yield* Schema.decodeUnknownEffect(PositionText)(text).pipe(
        Effect.mapError((error) => new BufferFailed({ problem: `its position cannot be read: ${error.message}` }))
      )
      return position.buffer === created ? position : anew
    })
  )

  return SiteBuffer.of({
    open: ask(async (_, manager) => {
      await ensure(manager, bufferStream(config.bufferBytesMax, config.messageBytesMax))
      await ensure(manager, positionStream)
    }).pipe(Effect.andThen(remembered)),
    remember: (position) =>
      Effect.asVoid(
        ask((open) => jetstream(open).publish(POSITION_SUBJECT, Schema.encodeSync(PositionText)(position)))
      ),
    read: (after, { messagesMax, bytesMax }) =>
      ask(async (_, manager) => {
        const messages: Array<StoredMsg> = []
        await new Promise<void>((resolve, reject) => {
          // Without a callback the client would keep its subscription for ever.
          const callback = (done: { readonly err?: Error } | null, message: StoredMsg) => {
            if (done === null) messages.push(message)
            else if (done.err === undefined) resolve()
            else reject(done.err)
          }
          const query = { seq: after + 1, batch: messagesMax, max_bytes: bytesMax, callback }
          manager.direct.getBatch(BUFFER_STREAM, query).catch(reject)
        })
        return messages
      }),
    removeUpTo: (sequence) =>
      Effect.asVoid(ask((_, manager) => manager.streams.purge(BUFFER_STREAM, { seq: sequence + 1 }))),
    level: ask(async (_, manager) => {
      const { state } = await manager.streams.info(BUFFER_STREAM)
      return { messages: state.messages, bytes: state.bytes, lastSequence: state.last_seq }
    })
  })
})
