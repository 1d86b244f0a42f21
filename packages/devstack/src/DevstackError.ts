/**
 * What can go wrong while the development stack is found, started or stopped. The message always carries the next
 * step, because its reader is somebody whose first command just failed.
 */
import { Schema } from "effect"

/** A server binary that could not be found, obtained, started or made ready. Never retried by the stack itself. */
export class DevstackError extends Schema.TaggedError<DevstackError>()("DevstackError", {
  /** The program it happened to: `nats-server`, `postgresql`, or what a caller runs. */
  component: Schema.String,
  problem: Schema.String,
  nextStep: Schema.String,
  cause: Schema.optional(Schema.Defect())
}) {
  override get message(): string {
    return `${this.component}: ${this.problem}. ${this.nextStep}`
  }
}
