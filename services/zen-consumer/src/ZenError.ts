import { Schema } from "effect"

/** What a lane cannot go on after: it begins again where it stood. */
export class ZenError extends Schema.TaggedError<ZenError>("@bulkhead/zen-consumer/ZenError")("ZenError", {
  operation: Schema.String,
  problem: Schema.String,
  cause: Schema.optional(Schema.Defect())
}) {
  readonly isRetryable = true
  override get message(): string {
    return `${this.operation}: ${this.problem}`
  }
}

/** Runs a call of the client. */
export const attempt =
  (operation: string) =>
  (cause: unknown): ZenError =>
    new ZenError({ operation, problem: cause instanceof Error ? cause.message : String(cause), cause })
