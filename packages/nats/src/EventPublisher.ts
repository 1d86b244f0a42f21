/**
 * Publishes tenants' messages into their streams. A caller who got an answer knows where the message is; one who got an
 * error knows what to do. Each message has an id, so that the repeats by which it survives a lost connection or a
 * restarted server are stored once.
 */
import { randomUUID } from "node:crypto"
import { ChannelError, prefixSubject, type TenantSlug } from "@bulkhead/channels"
import { Flags, prefixEnabled } from "@bulkhead/flags"
import { readSettings, Setting } from "@bulkhead/settings"
import { CurrentTenant } from "@bulkhead/tenancy"
import { type MsgHdrs, headers as makeHeaders, type NatsConnection } from "@nats-io/nats-core"
import { Clock, type Config, Context, Effect, Layer, type Tracer } from "effect"
import { InFlightWindow } from "./internal/InFlightWindow.ts"
import { type Outgoing, type PublishAck, PublishTries, type TryFailure } from "./internal/PublishTries.ts"
import { Nats } from "./Nats.ts"
import {
  InvalidSubject,
  MessageRefused,
  PayloadTooLarge,
  PermissionDenied,
  PublishError,
  type PublishReason,
  PublishTimeout,
  StreamFull,
  StreamMissing
} from "./PublishError.ts"
import { traceparentOf } from "./publisherSpan.ts"
import { DUPLICATE_WINDOW_MS } from "./streams/StreamSettings.ts"

/** What a caller may add to a message. */
export interface PublishOptions {
  /** A repeat with the same id within two minutes is stored once. A new UUID when absent. */
  readonly messageId?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** How hard to try. */
export interface PublisherOptions {
  /** Messages on their way to the server at once; further ones wait. Default 1000. */
  readonly inFlightMax?: number
  /** Their bytes; a larger message goes alone. Default 16 MiB. */
  readonly inFlightBytesMax?: number
  /** How long one try waits for its acknowledgement, milliseconds. Default 5000. */
  readonly ackTimeoutMs?: number
  /** How long a message may take in all, milliseconds; below the streams' duplicate window. Default 110000. */
  readonly deliveryTimeoutMs?: number
}

const IN_FLIGHT_MAX = 1_000
const IN_FLIGHT_BYTES_MAX = 16 * 1024 * 1024
const ACK_TIMEOUT_MS = 5_000
/** The last repeat must reach the stream while it still remembers the first try. */
const DELIVERY_TIMEOUT_MS = DUPLICATE_WINDOW_MS - 2 * ACK_TIMEOUT_MS
/** A server that starts, or elects a leader, knows no stream for a moment. */
const STREAM_MISSING_PATIENCE_MS = 10_000
const BACKOFF_FIRST_MS = 50
const BACKOFF_MAX_MS = 2_000

/** Publishes. */
export class EventPublisher extends Context.Service<
  EventPublisher,
  {
    /**
     * Publishes on a base subject, `events.poller.health`, for a tenant: under its prefix where the flag
     * `NATS_TENANT_PREFIX_ENABLED` says so for it. Messages published at the same time may be stored in any order.
     */
    readonly publishWithTenant: (
      tenant: TenantSlug,
      subject: string,
      data: Uint8Array,
      options?: PublishOptions
    ) => Effect.Effect<PublishAck, PublishError>
    /** The same for the current tenant. */
    readonly publish: (
      subject: string,
      data: Uint8Array,
      options?: PublishOptions
    ) => Effect.Effect<PublishAck, PublishError, CurrentTenant>
  }
>()("@bulkhead/nats/EventPublisher") {
  /** From the settings `PUBLISH_…`. */
  static readonly layer: Layer.Layer<EventPublisher, Config.ConfigError, Nats | Flags> = Layer.effect(
    EventPublisher,
    Effect.suspend(() => Effect.flatMap(readSettings(publisherSettings), make))
  )

  static readonly layerWith = (options: PublisherOptions): Layer.Layer<EventPublisher, never, Nats | Flags> =>
    Layer.effect(EventPublisher, make(options))
}

export const publisherSettings = {
  inFlightMax: Setting.whole(
    "PUBLISH_IN_FLIGHT_MAX",
    "messages",
    { from: 1, to: 100_000 },
    "on their way at once; further ones wait"
  ).or(IN_FLIGHT_MAX),
  inFlightBytesMax: Setting.whole(
    "PUBLISH_IN_FLIGHT_BYTES_MAX",
    "bytes",
    { from: 1, to: 1024 ** 3 },
    "of those messages; a larger one goes alone"
  ).or(IN_FLIGHT_BYTES_MAX),
  ackTimeoutMs: Setting.whole(
    "PUBLISH_ACK_TIMEOUT_MS",
    "milliseconds",
    { from: 1, to: 60_000 },
    "how long one try waits"
  ).or(ACK_TIMEOUT_MS),
  deliveryTimeoutMs: Setting.whole(
    "PUBLISH_DELIVERY_TIMEOUT_MS",
    "milliseconds",
    { from: 1, to: DELIVERY_TIMEOUT_MS },
    "how long a call waits and tries again at most"
  ).or(DELIVERY_TIMEOUT_MS)
}

const failed = (reason: PublishReason) => new PublishError({ operation: "EventPublisher.publish", reason })

const make = Effect.fnUntraced(function* (options: PublisherOptions) {
  const { inFlightMax = IN_FLIGHT_MAX, inFlightBytesMax = IN_FLIGHT_BYTES_MAX } = options
  const { ackTimeoutMs = ACK_TIMEOUT_MS, deliveryTimeoutMs = DELIVERY_TIMEOUT_MS } = options
  const nats = yield* Nats
  const flags = yield* Flags
  const window = new InFlightWindow({ messagesMax: inFlightMax, bytesMax: inFlightBytesMax })
  const tries = new PublishTries(nats.inboxPrefix)
  yield* nats.onStatus((status) => tries.onStatus(status))

  const subjectOf = Effect.fnUntraced(function* (tenant: TenantSlug, base: string) {
    const prefixed = prefixSubject(tenant, base)
    if (prefixed instanceof ChannelError) {
      return yield* failed(new InvalidSubject({ subject: prefixed.value, problem: prefixed.message }))
    }
    return (yield* prefixEnabled(tenant).pipe(Effect.provideService(Flags, flags))) ? prefixed : base
  })

  const connectionWithin = Effect.fnUntraced(function* (waitMs: number) {
    if (yield* nats.isConnected) return yield* nats.connection
    return yield* nats.connection.pipe(Effect.timeoutOrElse({ duration: waitMs, orElse: () => Effect.undefined }))
  })

  const tryOnce = Effect.fnUntraced(function* (message: Outgoing, deadlineMs: number) {
    const leftMs = deadlineMs - (yield* Clock.currentTimeMillis)
    if (leftMs <= 0) return unanswered("messages before it took all the time")
    const connection = yield* connectionWithin(leftMs)
    if (connection === undefined) return unanswered("NATS is away")
    yield* checkSize(message, connection)
    return yield* tries.publish(connection, message, Math.min(ackTimeoutMs, leftMs))
  })

  /** Repeats until the message is stored, the reason is final or the time is up. */
  const deliver = Effect.fnUntraced(function* (message: Outgoing) {
    const startedAtMs = yield* Clock.currentTimeMillis
    const deadlineMs = startedAtMs + deliveryTimeoutMs
    /** What the server said last. */
    let told: TryFailure | undefined
    for (let count = 1; ; count++) {
      // A message that waits to be repeated is not in the window: one tenant's full stream does not hold up the others.
      const result = yield* window.within(message.bytes, tryOnce(message, deadlineMs))
      if (!("kind" in result)) return result
      if (result.kind !== "unanswered") told = result
      const endedAtMs = yield* Clock.currentTimeMillis
      const nextAtMs = endedAtMs + backoffMs(count)
      if (nextAtMs >= Math.min(deadlineMs, startedAtMs + patienceWith(result))) {
        // A last try that the deadline cut short says less than the answer before it.
        const isCutShort = result.kind === "unanswered" && endedAtMs >= deadlineMs
        const failure = isCutShort ? (told ?? result) : result
        return yield* failed(reasonOf(message.subject, failure, { timeoutMs: deliveryTimeoutMs, tries: count }))
      }
      yield* Effect.sleep(nextAtMs - (yield* Clock.currentTimeMillis))
    }
  })

  // Not `Effect.fn`: it would make a stack trace for every message.
  const publishWithTenant = (tenant: TenantSlug, base: string, data: Uint8Array, given: PublishOptions = {}) =>
    Effect.useSpan("EventPublisher.publish", { kind: "producer", attributes: { tenant, subject: base } }, (span) =>
      Effect.flatMap(subjectOf(tenant, base), (subject) =>
        Effect.flatMap(outgoing(subject, data, given, span), (message) => deliver(message))
      )
    )

  return EventPublisher.of({
    publishWithTenant,
    publish: (subject, data, given) =>
      CurrentTenant.use((tenant) => publishWithTenant(tenant.slug, subject, data, given))
  })
})

const unanswered = (problem: string): TryFailure => ({ kind: "unanswered", problem })

const outgoing = (subject: string, data: Uint8Array, given: PublishOptions, span: Tracer.Span) =>
  Effect.try({
    try: (): Outgoing => {
      const headers = headersOf(given, span)
      return { subject, data, headers, bytes: sizeOf(data, headers) }
    },
    catch: (cause) => failed(new MessageRefused({ subject, problem: cause instanceof Error ? cause.message : "" }))
  })

/** The caller's headers, the message id, and the span in which the message is published (W3C `traceparent`). */
const headersOf = (given: PublishOptions, span: Tracer.Span): MsgHdrs => {
  const { messageId = randomUUID() } = given
  if (messageId.trim() === "") throw new Error("its message id is empty, so that a repeat would be stored twice")
  const headers = makeHeaders()
  for (const [name, value] of Object.entries(given.headers ?? {})) headers.set(name, value)
  headers.set("Nats-Msg-Id", messageId)
  const traceparent = traceparentOf(span)
  if (traceparent !== undefined) headers.set("traceparent", traceparent)
  return headers
}

/** What the server compares with its `max_payload`: `NATS/1.0`, a line for each header, an empty line, the payload. */
const sizeOf = (data: Uint8Array, headers: MsgHdrs): number => {
  let bytes = "NATS/1.0\r\n\r\n".length + data.length
  for (const [name, values] of headers) {
    for (const value of values) bytes += Buffer.byteLength(name) + Buffer.byteLength(value) + ": \r\n".length
  }
  return bytes
}

const checkSize = ({ subject, bytes }: Outgoing, connection: NatsConnection): Effect.Effect<void, PublishError> => {
  const bytesMax = connection.info?.max_payload ?? Number.POSITIVE_INFINITY
  return bytes > bytesMax ? Effect.fail(failed(new PayloadTooLarge({ subject, bytes, bytesMax }))) : Effect.void
}

const backoffMs = (count: number): number =>
  Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** (count - 1)) * (0.5 + Math.random() / 2)

/** How long a message is repeated after such a failure. */
const patienceWith = (failure: TryFailure): number => {
  if (failure.kind === "denied" || failure.kind === "refused") return 0
  return failure.kind === "no_stream" ? STREAM_MISSING_PATIENCE_MS : Number.POSITIVE_INFINITY
}

const reasonOf = (
  subject: string,
  { kind, problem }: TryFailure,
  effort: { readonly timeoutMs: number; readonly tries: number }
): PublishReason => {
  switch (kind) {
    case "no_stream":
      return new StreamMissing({ subject })
    case "denied":
      return new PermissionDenied({ subject, problem })
    case "refused":
      return new MessageRefused({ subject, problem })
    case "full":
      return new StreamFull({ subject, problem })
    case "unanswered":
      return new PublishTimeout({ subject, problem, ...effort })
  }
}
