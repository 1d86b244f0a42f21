/**
 * Why a batch consumer stopped. It never goes on by itself: after a retryable reason its owner opens it again at its own
 * watermark.
 */
import { Schema } from "effect"

const fields = { stream: Schema.String, durable: Schema.String }

/** The stream does not exist, or was deleted while it was read. */
export class SourceMissing extends Schema.TaggedError<SourceMissing>("@bulkhead/nats/SourceMissing")("SourceMissing", {
  ...fields,
  problem: Schema.String
}) {
  readonly isRetryable = true
  override get message(): string {
    return `Stream "${this.stream}" is not there (${this.problem}): create it, then open the consumer again`
  }
}

/** The durable consumer was deleted: by an operator, or by another reader that opened it for itself. */
export class ConsumerDeleted extends Schema.TaggedError<ConsumerDeleted>("@bulkhead/nats/ConsumerDeleted")(
  "ConsumerDeleted",
  { ...fields, problem: Schema.String }
) {
  readonly isRetryable = true
  override get message(): string {
    return `Consumer "${this.durable}" of "${this.stream}" is gone (${this.problem}): see that it has one reader, then open it again`
  }
}

/** The connection was lost or is closed, and with it what was on its way. */
export class ConnectionLost extends Schema.TaggedError<ConnectionLost>("@bulkhead/nats/ConnectionLost")(
  "ConnectionLost",
  { ...fields, problem: Schema.String }
) {
  readonly isRetryable = true
  override get message(): string {
    return `Reading "${this.stream}" was cut off (${this.problem}): open the consumer again`
  }
}

/** The server said nothing for longer than it promised. */
export class ServerSilent extends Schema.TaggedError<ServerSilent>("@bulkhead/nats/ServerSilent")("ServerSilent", {
  ...fields,
  silentMs: Schema.Int
}) {
  readonly isRetryable = true
  override get message(): string {
    return (
      `Consumer "${this.durable}" of "${this.stream}" heard neither a message nor a heartbeat for ${this.silentMs} ms: ` +
      "open it again"
    )
  }
}

/** A message between two others did not arrive. */
export class DeliveryGap extends Schema.TaggedError<DeliveryGap>("@bulkhead/nats/DeliveryGap")("DeliveryGap", {
  ...fields,
  expected: Schema.Int,
  observed: Schema.Int
}) {
  readonly isRetryable = true
  override get message(): string {
    return (
      `Consumer "${this.durable}" of "${this.stream}" got delivery ${this.observed} where ${this.expected} was due: ` +
      "see that it has one reader, then open it again"
    )
  }
}

/** The server understood and refuses: a missing right or a limit of the account. */
export class ConsumerRefused extends Schema.TaggedError<ConsumerRefused>("@bulkhead/nats/ConsumerRefused")(
  "ConsumerRefused",
  { ...fields, problem: Schema.String }
) {
  readonly isRetryable = false
  override get message(): string {
    return `Consumer "${this.durable}" of "${this.stream}" is refused (${this.problem}): check the user's rights and the account's limits`
  }
}

/** Older servers, 2.12.0 among them, take no two filters of one consumer that overlap, as `*.events.>` and `events.>` do. */
export class FiltersOverlap extends Schema.TaggedError<FiltersOverlap>("@bulkhead/nats/FiltersOverlap")(
  "FiltersOverlap",
  { ...fields, filters: Schema.String }
) {
  readonly isRetryable = false
  override get message(): string {
    return (
      `This server takes no filters that overlap (${this.filters}) for "${this.durable}" of "${this.stream}": ` +
      "read all subjects and pass over the others, or upgrade it to 2.14.3 or newer"
    )
  }
}

/** Every way in which reading a stream fails. */
export class ConsumeError extends Schema.TaggedError<ConsumeError>("@bulkhead/nats/ConsumeError")("ConsumeError", {
  operation: Schema.String,
  reason: Schema.Union([
    SourceMissing,
    ConsumerDeleted,
    ConnectionLost,
    ServerSilent,
    DeliveryGap,
    ConsumerRefused,
    FiltersOverlap
  ]),
  cause: Schema.optional(Schema.Defect())
}) {
  get isRetryable(): boolean {
    return this.reason.isRetryable
  }
  override get message(): string {
    return `${this.operation}: ${this.reason.message}`
  }
}

export type ConsumeReason = ConsumeError["reason"]
