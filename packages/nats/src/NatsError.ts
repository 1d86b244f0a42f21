/**
 * Why a connection or a stream cannot be had. Messages never hold a credential.
 */
import { Schema } from "effect"

const fields = { cause: Schema.optional(Schema.Defect()) }

/** A setting that no connection can be made with. */
export class NatsMisconfigured extends Schema.TaggedError<NatsMisconfigured>("@bulkhead/nats/NatsMisconfigured")(
  "NatsMisconfigured",
  { ...fields, problem: Schema.String, nextStep: Schema.String }
) {
  readonly isRetryable = false
  override get message(): string {
    return `${this.problem}: ${this.nextStep}`
  }
}

/** The server knows no such user, or not with this password, key or certificate. */
export class CredentialsRefused extends Schema.TaggedError<CredentialsRefused>("@bulkhead/nats/CredentialsRefused")(
  "CredentialsRefused",
  { ...fields, servers: Schema.String, identity: Schema.String }
) {
  readonly isRetryable = false
  override get message(): string {
    return (
      `${this.servers} refused ${this.identity}: check NATS_CREDS_FILE, or NATS_USER and NATS_PASSWORD, ` +
      "and that the user still exists on the server"
    )
  }
}

/** The server is away, or does not answer. */
export class NatsUnavailable extends Schema.TaggedError<NatsUnavailable>("@bulkhead/nats/NatsUnavailable")(
  "NatsUnavailable",
  { ...fields, problem: Schema.String }
) {
  readonly isRetryable = true
  override get message(): string {
    return `NATS is not available (${this.problem}): wait and try again`
  }
}

/** The server understood and refuses: a limit of the account, a conflict with another stream, a missing right. */
export class RequestRefused extends Schema.TaggedError<RequestRefused>("@bulkhead/nats/RequestRefused")(
  "RequestRefused",
  { ...fields, what: Schema.String, problem: Schema.String, nextStep: Schema.String }
) {
  readonly isRetryable = false
  override get message(): string {
    return `NATS refused ${this.what} (${this.problem}): ${this.nextStep}`
  }
}

/** The stream or the durable consumer does not exist, or was deleted while it was read. */
export class ResourceMissing extends Schema.TaggedError<ResourceMissing>("@bulkhead/nats/ResourceMissing")(
  "ResourceMissing",
  { ...fields, resource: Schema.String }
) {
  readonly isRetryable = true
  override get message(): string {
    return `${this.resource} does not exist: create it, or wait for whoever does`
  }
}

/** Messages between two others did not arrive, for instance over a lost connection. */
export class DeliveryGap extends Schema.TaggedError<DeliveryGap>("@bulkhead/nats/DeliveryGap")("DeliveryGap", {
  expected: Schema.Int,
  observed: Schema.Int
}) {
  readonly isRetryable = true
  override get message(): string {
    return `delivery ${this.observed} arrived where ${this.expected} was due: open the consumer again at the watermark`
  }
}

/** Every way in which connections, streams and consumers fail. */
export class NatsError extends Schema.TaggedError<NatsError>("@bulkhead/nats/NatsError")("NatsError", {
  operation: Schema.String,
  reason: Schema.Union([
    NatsMisconfigured,
    CredentialsRefused,
    NatsUnavailable,
    RequestRefused,
    ResourceMissing,
    DeliveryGap
  ])
}) {
  get isRetryable(): boolean {
    return this.reason.isRetryable
  }
  override get message(): string {
    return `${this.operation}: ${this.reason.message}`
  }
}

export type NatsReason = NatsError["reason"]
