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

/** Every way in which making a connection or a stream fails. */
export class NatsError extends Schema.TaggedError<NatsError>("@bulkhead/nats/NatsError")("NatsError", {
  operation: Schema.String,
  reason: Schema.Union([NatsMisconfigured, CredentialsRefused, NatsUnavailable, RequestRefused])
}) {
  get isRetryable(): boolean {
    return this.reason.isRetryable
  }
  override get message(): string {
    return `${this.operation}: ${this.reason.message}`
  }
}

export type NatsReason = NatsError["reason"]
