import { Schema } from "effect"

/** Servers did not do with an account's claims what they were asked to. */
export class ClaimsError extends Schema.TaggedError<ClaimsError>("@bulkhead/accounts/ClaimsError")("ClaimsError", {
  operation: Schema.String,
  problem: Schema.String,
  nextStep: Schema.String,
  isRetryable: Schema.Boolean,
  cause: Schema.optional(Schema.Defect())
}) {
  override get message(): string {
    return `${this.operation}: ${this.problem}. ${this.nextStep}`
  }
}
