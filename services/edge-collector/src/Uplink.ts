/**
 * Sends the buffer to the tenant's stream, oldest first, a window at a time: all of it is on its way at once, and the
 * next window goes when the stream has acknowledged this one. After a failure it goes on at the first message without
 * an acknowledgement, with the same ids, so that what the stream has already is stored once. What NATS will never take is
 * put aside, and holds up nobody.
 */
import { Nats, sortFailure } from "@bulkhead/nats"
import { Health } from "@bulkhead/observability"
import { JetStreamApiError, type JetStreamClient, jetstream } from "@nats-io/jetstream"
import type { NatsConnection } from "@nats-io/nats-core"
import { Effect, Layer, Random } from "effect"
import type { DiskBuffer } from "./DiskBuffer.ts"
import { EdgeBuffer } from "./EdgeBuffer.ts"
import { EdgeConfig } from "./EdgeConfig.ts"
import { EdgeMetrics, type RefusedReason } from "./EdgeMetrics.ts"
import { type RefusedMessage, RefusedMessages } from "./RefusedMessages.ts"
import type { StoredMessage } from "./Segment.ts"

const WINDOW_MESSAGES_MAX = 512
const ACK_TIMEOUT_MS = 5_000
const PAUSE_MS_MIN = 100
const PAUSE_MS_MAX = 5_000
/** Beside the payload the server counts the headers: the message id and the names. */
const HEADERS_BYTES_MAX = 200

/** JetStream's error code for a message above the stream's own limit. */
const MESSAGE_TOO_LARGE = 10_054

/** No repeat overcomes it. */
interface Refusal {
  readonly kind: "refused"
  readonly reason: RefusedReason
  readonly problem: string
}

/** How one try to send a message ended. */
type Outcome = { readonly kind: "stored" } | Refusal | { readonly kind: "failed"; readonly problem: string }

const refusal = (reason: RefusedReason, problem: string): Refusal => ({ kind: "refused", reason, problem })

const trySend = async (
  client: JetStreamClient,
  message: StoredMessage,
  msgID: string,
  bytesMax: number
): Promise<Outcome> => {
  const bytes = message.payload.byteLength + HEADERS_BYTES_MAX
  if (bytes > bytesMax) return refusal("too_large", `${bytes} bytes, and the server takes ${bytesMax}`)
  try {
    await client.publish(message.subject, message.payload, { msgID, timeout: ACK_TIMEOUT_MS })
    return { kind: "stored" }
  } catch (error) {
    const { kind, problem } = sortFailure(error)
    if (kind === "forbidden") return refusal("forbidden", problem)
    const isTooLarge = error instanceof JetStreamApiError && error.code === MESSAGE_TOO_LARGE
    return isTooLarge ? refusal("too_large", problem) : { kind: "failed", problem }
  }
}

const sendWindow = (connection: NatsConnection, disk: DiskBuffer, window: ReadonlyArray<StoredMessage>) => {
  const client = jetstream(connection)
  const bytesMax = connection.info?.max_payload ?? Number.POSITIVE_INFINITY
  return Promise.all(window.map((message) => trySend(client, message, disk.idOf(message), bytesMax)))
}

const send = Effect.gen(function* () {
  const nats = yield* Nats
  const metrics = yield* EdgeMetrics
  const { disk } = yield* EdgeBuffer
  const { folder, refusedBytesMax } = (yield* EdgeConfig).buffer
  const refused = new RefusedMessages(folder, refusedBytesMax)
  const told = new Set<string>()
  let problem: string | undefined
  yield* (yield* Health).register(
    "nats",
    Effect.map(nats.isConnected, (up) => (up ? problem : "not connected"))
  )

  /** Says so once for each subject: there may be thousands of messages. */
  const putAside = Effect.fnUntraced(function* (
    window: ReadonlyArray<StoredMessage>,
    outcomes: ReadonlyArray<Outcome>
  ) {
    const aside: Array<RefusedMessage> = []
    for (const [at, { subject, payload }] of window.entries()) {
      const outcome = outcomes[at]
      if (outcome?.kind !== "refused") continue
      const { reason, problem } = outcome
      metrics.refused(subject, reason)
      aside.push({ subject, payload, problem })
      if (told.has(subject)) continue
      told.add(subject)
      yield* Effect.logError("messages of a subject are put aside: NATS will never take them", { subject, problem })
    }
    yield* Effect.tryPromise({ try: () => refused.add(aside), catch: String }).pipe(
      Effect.catch((cause) => Effect.logError("refused messages are lost: they cannot be put aside", { cause }))
    )
  })

  /** Sends the oldest messages; gives why not all of them are stored. */
  const sendOldest = Effect.gen(function* () {
    yield* Effect.promise(() => disk.whenCommitted)
    const connection = yield* nats.connection
    const window = yield* Effect.tryPromise({ try: () => disk.peek(WINDOW_MESSAGES_MAX), catch: String })
    const outcomes = yield* Effect.promise(() => sendWindow(connection, disk, window))
    const failedAt = outcomes.findIndex(({ kind }) => kind === "failed")
    const done = failedAt === -1 ? window : window.slice(0, failedAt)
    yield* putAside(done, outcomes)
    const last = done.at(-1)
    if (last !== undefined) yield* Effect.tryPromise({ try: () => disk.acknowledge(last), catch: String })
    metrics.published(outcomes.slice(0, done.length).filter(({ kind }) => kind === "stored").length)
    const failed = outcomes[failedAt]
    return failed !== undefined && "problem" in failed ? failed.problem : undefined
  })

  const forever = Effect.gen(function* () {
    for (let failures = 0; ; ) {
      const seen = yield* Effect.catch(sendOldest, (error) => Effect.succeed(error))
      if (seen !== undefined && seen !== problem) yield* Effect.logWarning("messages wait", { problem: seen })
      problem = seen
      failures = seen === undefined ? 0 : failures + 1
      if (failures === 0) continue
      const pauseMs = Math.min(PAUSE_MS_MAX, PAUSE_MS_MIN * 2 ** (failures - 1))
      yield* Effect.sleep(pauseMs * (0.5 + (yield* Random.next) / 2))
    }
  })
  yield* Effect.forkScoped(forever.pipe(Effect.tapCause(Effect.logError)))
})

/** Runs until the scope closes; what is on its way then is sent again by the next process, with the same ids. */
export const Uplink = Layer.effectDiscard(send)
