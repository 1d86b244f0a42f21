import { Schema } from "effect"

/** The local platform cannot start or go on; the message says what to do. */
export class DevError extends Schema.TaggedError<DevError>()("DevError", {
  problem: Schema.String,
  nextStep: Schema.String
}) {
  override get message(): string {
    return `${this.problem}. ${this.nextStep}`
  }
}
