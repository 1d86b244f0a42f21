import { Schema } from "effect"

/** What was asked for cannot be made; nothing after it was tried, and the same command may be given again. */
export class ProvisionError extends Schema.TaggedError<ProvisionError>("@bulkhead/provisioner/ProvisionError")(
  "ProvisionError",
  { problem: Schema.String, nextStep: Schema.String }
) {
  override get message(): string {
    return `${this.problem}. ${this.nextStep}`
  }
}
