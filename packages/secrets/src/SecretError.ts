/**
 * The one error of this package. Its `reason` says what happened and whether trying again can help; it names secrets and
 * never holds the value of one.
 */
import { Schema } from "effect"

const cause = Schema.optional(Schema.Defect())

/** The store cannot be reached, is sealed, or is busy with itself. */
export class SecretStoreUnavailable extends Schema.TaggedError<SecretStoreUnavailable>(
  "@bulkhead/secrets/SecretStoreUnavailable"
)("SecretStoreUnavailable", { store: Schema.String, problem: Schema.String, nextStep: Schema.String, cause }) {
  readonly isRetryable = true
  override get message(): string {
    return `${this.store} is not available (${this.problem}): ${this.nextStep}`
  }
}

/** The store knows us and says no, or does not know us. */
export class SecretStoreRefused extends Schema.TaggedError<SecretStoreRefused>("@bulkhead/secrets/SecretStoreRefused")(
  "SecretStoreRefused",
  {
    store: Schema.String,
    /** What was asked for, in the store's own words. */
    path: Schema.String,
    /** The right that is missing. */
    right: Schema.String,
    nextStep: Schema.String,
    cause
  }
) {
  readonly isRetryable = false
  override get message(): string {
    return `${this.store} refused "${this.right}" on "${this.path}": ${this.nextStep}`
  }
}

/** The secret is there and cannot be read: another key, damage, or a hand that changed it. */
export class SecretUnreadable extends Schema.TaggedError<SecretUnreadable>("@bulkhead/secrets/SecretUnreadable")(
  "SecretUnreadable",
  { owner: Schema.String, purpose: Schema.String, problem: Schema.String, nextStep: Schema.String }
) {
  readonly isRetryable = false
  override get message(): string {
    return `Secret "${this.owner}/${this.purpose}" ${this.problem}: ${this.nextStep}`
  }
}

/** A name or a value that no store takes. */
export class SecretInvalid extends Schema.TaggedError<SecretInvalid>("@bulkhead/secrets/SecretInvalid")(
  "SecretInvalid",
  { problem: Schema.String, nextStep: Schema.String }
) {
  readonly isRetryable = false
  override get message(): string {
    return `${this.problem}: ${this.nextStep}`
  }
}

/** A setting that cannot work. */
export class SecretStoreMisconfigured extends Schema.TaggedError<SecretStoreMisconfigured>(
  "@bulkhead/secrets/SecretStoreMisconfigured"
)("SecretStoreMisconfigured", { problem: Schema.String, nextStep: Schema.String, cause }) {
  readonly isRetryable = false
  override get message(): string {
    return `${this.problem}: ${this.nextStep}`
  }
}

/** Every way in which this package fails. */
export class SecretError extends Schema.TaggedError<SecretError>("@bulkhead/secrets/SecretError")("SecretError", {
  operation: Schema.String,
  reason: Schema.Union([
    SecretStoreUnavailable,
    SecretStoreRefused,
    SecretUnreadable,
    SecretInvalid,
    SecretStoreMisconfigured
  ])
}) {
  get isRetryable(): boolean {
    return this.reason.isRetryable
  }
  override get message(): string {
    return `${this.operation}: ${this.reason.message}`
  }
}

export type SecretReason = SecretError["reason"]
