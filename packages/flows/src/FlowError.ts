/**
 * The one error of this package.
 */
import { Schema } from "effect"

/** A database of addresses that a setting names cannot be used. */
export class GeoDatabaseUnreadable extends Schema.TaggedError<GeoDatabaseUnreadable>(
  "@bulkhead/flows/GeoDatabaseUnreadable"
)("GeoDatabaseUnreadable", { setting: Schema.String, file: Schema.String, problem: Schema.String }) {
  readonly isRetryable = false
  override get message(): string {
    return `${this.setting} names "${this.file}", which cannot be read (${this.problem}): name a database in the format .mmdb, not compressed, or leave the setting out`
  }
}

/** Something else than a network stands where networks are named. */
export class NetworkInvalid extends Schema.TaggedError<NetworkInvalid>("@bulkhead/flows/NetworkInvalid")(
  "NetworkInvalid",
  { setting: Schema.String, network: Schema.String }
) {
  readonly isRetryable = false
  override get message(): string {
    return `${this.setting} has "${this.network}", which is no network: write address and length, 203.0.113.0/24`
  }
}

export class FlowError extends Schema.TaggedError<FlowError>("@bulkhead/flows/FlowError")("FlowError", {
  operation: Schema.String,
  reason: Schema.Union([GeoDatabaseUnreadable, NetworkInvalid])
}) {
  get isRetryable(): boolean {
    return this.reason.isRetryable
  }
  override get message(): string {
    return `${this.operation}: ${this.reason.message}`
  }
}
