/**
 * Publishes tenants' messages into their streams. A caller who got an answer knows where the message is; one who got an
 * error knows what to do. Each message has an id, so that the repeats by which it survives a lost connection or a
 * restarted server are stored once.
 */
import { randomUUID } from "node:crypto"
import { ChannelError, prefixSubject, type TenantSlug } from "@bulkhead/channels"
import { Flags, prefixEnabled } from "@bulkhead/flags"
import { CurrentTenant } from "@bulkhead/tenancy"
import { type MsgHdrs, headers as makeHeaders } from "@nats-io/nats-core"
import { Clock, Config, Context, Effect, Layer, Option, Schema, Semaphore } from "effect"
import { HttpTraceContext } from "effect/http"
import { DUPLICATE_WINDOW_MS } from "./ensureStream.ts"
import { type Outgoing, type PublishAck, PublishTries, type TryFailure } from "./internal/PublishTries.ts"
import { Nats } from "./Nats.ts"
import {
  InvalidSubject,
  PayloadTooLarge,
  PermissionDenied,
  PublishError,
  type PublishReason,
  PublishTimeout,
  StreamFull,
  StreamMissing
} from "./PublishError.ts"

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
  /** How long one try waits for its acknowledgement, milliseconds. Default 5000. */
  readonly ackTimeoutMs?: number
  /** How long all tries of one message may take, milliseconds; below the streams' duplicate window. Default 110000. */
  readonly deliveryTimeoutMs?: number
}

const IN_FLIGHT_MAX = 1_000
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
  /** From the environment: `PUBLISH_IN_FLIGHT_MAX`, `PUBLISH_ACK_TIMEOUT_MS`, `PUBLISH_DELIVERY_TIMEOUT_MS`. */
  static readonly layer: Layer.Layer<EventPublisher, Config.ConfigError, Nats | Flags> = Layer.effect(
    EventPublisher,
    Effect.suspend(() => Effect.flatMap(publisherConfig, make))
  )

  static readonly layerWith = (options: PublisherOptions): Layer.Layer<EventPublisher, never, Nats | Flags> =>
    Layer.effect(EventPublisher, make(options))
}

const between = (name: string, maximum: number, fallback: number) =>
  Config.schema(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum })), name).pipe(Config.withDefault(fallback))

const publisherConfig = Config.all({
  inFlightMax: between("PUBLISH_IN_FLIGHT_MAX", 100_000, IN_FLIGHT_MAX),
  ackTimeoutMs: between("PUBLISH_ACK_TIMEOUT_MS", 60_000, ACK_TIMEOUT_MS),
  deliveryTimeoutMs: between("PUBLISH_DELIVERY_TIMEOUT_MS", DELIVERY_TIMEOUT_MS, DELIVERY_TIMEOUT_MS)
})

const failed = (reason: PublishReason) => new PublishError({ operation: "EventPublisher.publish", reason })

const make = Effect.fnUntraced(function* (options: PublisherOptions) {
  const { inFlightMax = IN_FLIGHT_MAX, ackTimeoutMs = ACK_TIMEOUT_MS } = options
  const { deliveryTimeoutMs = DELIVERY_TIMEOUT_MS } = options
  const nats = yield* Nats
  const flags = yield* Flags
  const slots = yield* Semaphore.make(inFlightMax)
  const tries = new PublishTries()
  yield* nats.onStatus((status) => tries.onStatus(status))

  const subjectOf = Effect.fnUntraced(function* (tenant: TenantSlug, base: string) {
    const prefixed = prefixSubject(tenant, base)
    if (prefixed instanceof ChannelError) {
      return yield* failed(new InvalidSubject({ subject: prefixed.value, problem: prefixed.message }))
    }
    return (yield* prefixEnabled(tenant).pipe(Effect.provideService(Flags, flags))) ? prefixed : base
  })

  const tryOnce = Effect.fnUntraced(function* (message: Outgoing, leftMs: number) {
    const connection = (yield* nats.isConnected)
      ? Option.some(yield* nats.connection)
      : yield* Effect.timeoutOption(nats.connection, leftMs)
    if (Option.isNone(connection)) return unanswered("NATS is away")
    const bytes = sizeOf(message)
    const bytesMax = connection.value.info?.max_payload ?? Number.POSITIVE_INFINITY
    if (bytes > bytesMax) return yield* failed(new PayloadTooLarge({ subject: message.subject, bytes, bytesMax }))
    return yield* tries.publish(connection.value, message, Math.min(ackTimeoutMs, leftMs))
  })

  /** Repeats until the message is stored, the reason is final or the time is up. */
  const deliver = Effect.fnUntraced(function* (message: Outgoing) {
    const startedAtMs = yield* Clock.currentTimeMillis
    for (let count = 1; ; count++) {
      const leftMs = startedAtMs + deliveryTimeoutMs - (yield* Clock.currentTimeMillis)
      // A message that waits to be repeated holds no slot: one tenant's full stream does not hold up the others.
      const result = yield* Semaphore.withPermit(slots)(tryOnce(message, Math.max(1, leftMs)))
      if (!("kind" in result)) return result
      const elapsedMs = (yield* Clock.currentTimeMillis) - startedAtMs
      const waitMs = backoffMs(count)
      const patienceMs = Math.min(deliveryTimeoutMs, patienceWith(result))
      if (elapsedMs + waitMs >= patienceMs) {
        return yield* failed(reasonOf(message.subject, result, { timeoutMs: deliveryTimeoutMs, tries: count }))
      }
      yield* Effect.sleep(waitMs)
    }
  })

  const publishWithTenant = Effect.fn("EventPublisher.publish")(function* (
    tenant: TenantSlug,
    base: string,
    data: Uint8Array,
    given: PublishOptions = {}
  ) {
    const subject = yield* subjectOf(tenant, base)
    return yield* deliver({ subject, data, headers: yield* headersOf(given) })
  })

  return EventPublisher.of({
    publishWithTenant,
    publish: (subject, data, given) =>
      CurrentTenant.use((tenant) => publishWithTenant(tenant.slug, subject, data, given))
  })
})

const unanswered = (problem: string): TryFailure => ({ kind: "unanswered", problem })

/** The caller's headers, the message id, and the span in which the message is published (W3C `traceparent`). */
const headersOf = Effect.fnUntraced(function* (given: PublishOptions) {
  const headers = makeHeaders()
  for (const [name, value] of Object.entries(given.headers ?? {})) headers.set(name, value)
  headers.set("Nats-Msg-Id", given.messageId ?? randomUUID())
  const span = yield* Effect.option(Effect.currentSpan)
  const traceparent = Option.isSome(span) ? HttpTraceContext.toHeaders(span.value).traceparent : undefined
  if (traceparent !== undefined) headers.set("traceparent", traceparent)
  return headers
})

/** What the server compares with its `max_payload`: `NATS/1.0`, a line for each header, an empty line, the payload. */
const sizeOf = (message: Outgoing): number => {
  let bytes = "NATS/1.0\r\n\r\n".length + message.data.length
  for (const [name, values] of message.headers as MsgHdrs) {
    for (const value of values) bytes += Buffer.byteLength(name) + Buffer.byteLength(value) + ": \r\n".length
  }
  return bytes
}

const backoffMs = (count: number): number =>
  Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** (count - 1)) * (0.5 + Math.random() / 2)

/** How long a message is repeated after such a failure. */
const patienceWith = (failure: TryFailure): number => {
  if (failure.kind === "denied") return 0
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
    case "full":
      return new StreamFull({ subject, problem })
    case "unanswered":
      return new PublishTimeout({ subject, problem, ...effort })
  }
}
