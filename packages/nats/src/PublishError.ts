/**
 * Why a message was not published. `isRetryable` says whether the same call, with the same message id, may succeed
 * later.
 */
import { Schema } from "effect"

const fields = { subject: Schema.String }

/** The subject is none that a tenant can publish on. */
export class InvalidSubject extends Schema.TaggedError<InvalidSubject>("@bulkhead/nats/InvalidSubject")(
  "InvalidSubject",
  { ...fields, problem: Schema.String }
) {
  readonly isRetryable = false
  override get message(): string {
    return this.problem
  }
}

/** No stream takes the subject, and none has appeared for a while. */
export class StreamMissing extends Schema.TaggedError<StreamMissing>("@bulkhead/nats/StreamMissing")(
  "StreamMissing",
  fields
) {
  readonly isRetryable = true
  override get message(): string {
    return `No stream takes "${this.subject}": create the tenant, or compare NATS_TENANT_PREFIX_ENABLED with the stream's subjects`
  }
}

/** The user of this connection may not publish there, or may not receive the acknowledgement. */
export class PermissionDenied extends Schema.TaggedError<PermissionDenied>("@bulkhead/nats/PermissionDenied")(
  "PermissionDenied",
  { ...fields, problem: Schema.String }
) {
  readonly isRetryable = false
  override get message(): string {
    return `"${this.subject}" is not published (${this.problem}): give the user that right, or use the credentials of the right tenant`
  }
}

/** The message is larger than the server takes. */
export class PayloadTooLarge extends Schema.TaggedError<PayloadTooLarge>("@bulkhead/nats/PayloadTooLarge")(
  "PayloadTooLarge",
  { ...fields, bytes: Schema.Int, bytesMax: Schema.Int }
) {
  readonly isRetryable = false
  override get message(): string {
    return (
      `The message for "${this.subject}" has ${this.bytes} bytes with its headers, and the server takes ${this.bytesMax}: ` +
      "split it, or raise max_payload"
    )
  }
}

/** The message can never be stored as it is: a header or the message id is malformed, or the stream's rules forbid it. */
export class MessageRefused extends Schema.TaggedError<MessageRefused>("@bulkhead/nats/MessageRefused")(
  "MessageRefused",
  { ...fields, problem: Schema.String }
) {
  readonly isRetryable = false
  override get message(): string {
    return `The message for "${this.subject}" is refused (${this.problem}): correct it, or the stream's configuration`
  }
}

/** The stream, or the account, has no room left. */
export class StreamFull extends Schema.TaggedError<StreamFull>("@bulkhead/nats/StreamFull")("StreamFull", {
  ...fields,
  problem: Schema.String
}) {
  readonly isRetryable = true
  override get message(): string {
    return `The stream of "${this.subject}" is full (${this.problem}): raise the tenant's limits, or wait until old messages expire`
  }
}

/** No acknowledgement came in time. The message may be stored or not: a repeat with the same id is safe for two minutes. */
export class PublishTimeout extends Schema.TaggedError<PublishTimeout>("@bulkhead/nats/PublishTimeout")(
  "PublishTimeout",
  { ...fields, timeoutMs: Schema.Int, tries: Schema.Int, problem: Schema.String }
) {
  readonly isRetryable = true
  override get message(): string {
    return (
      `"${this.subject}" was not acknowledged within ${this.timeoutMs} ms and ${this.tries} tries (last: ${this.problem}): ` +
      "check that NATS is there and a stream takes the subject, then repeat with the same message id"
    )
  }
}

/** Every way in which publishing fails. */
export class PublishError extends Schema.TaggedError<PublishError>("@bulkhead/nats/PublishError")("PublishError", {
  operation: Schema.String,
  reason: Schema.Union([
    InvalidSubject,
    StreamMissing,
    PermissionDenied,
    PayloadTooLarge,
    MessageRefused,
    StreamFull,
    PublishTimeout
  ])
}) {
  get isRetryable(): boolean {
    return this.reason.isRetryable
  }
  override get message(): string {
    return `${this.operation}: ${this.reason.message}`
  }
}

export type PublishReason = PublishError["reason"]
