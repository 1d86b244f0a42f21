/**
 * Why a migration cannot begin, go on or go back. Every reason names what to do; none of them leaves anything half done
 * that the next run does not finish.
 */
import { Schema } from "effect"

const fields = { cause: Schema.optional(Schema.Defect()) }

/** What was found before anything was changed; each line names the value and the next step. */
export class PlanRefused extends Schema.TaggedError<PlanRefused>("@bulkhead/migration/PlanRefused")("PlanRefused", {
  problems: Schema.Array(Schema.String)
}) {
  readonly isRetryable = false
  override get message(): string {
    return `Nothing was changed, because of ${this.problems.length} problems:\n${this.problems.map((one) => `- ${one}`).join("\n")}`
  }
}

/** The server is away, or does not answer. */
export class ServerUnavailable extends Schema.TaggedError<ServerUnavailable>("@bulkhead/migration/ServerUnavailable")(
  "ServerUnavailable",
  { ...fields, what: Schema.String, problem: Schema.String }
) {
  readonly isRetryable = true
  override get message(): string {
    return `NATS did not answer about ${this.what} (${this.problem}): when it is back, run the same command again`
  }
}

/** The server understood and refuses. */
export class ServerRefused extends Schema.TaggedError<ServerRefused>("@bulkhead/migration/ServerRefused")(
  "ServerRefused",
  { ...fields, what: Schema.String, problem: Schema.String, nextStep: Schema.String }
) {
  readonly isRetryable = false
  override get message(): string {
    return `NATS refused ${this.what} (${this.problem}): ${this.nextStep}`
  }
}

/** Another process works on the migration, or has taken it over. */
export class MigrationBusy extends Schema.TaggedError<MigrationBusy>("@bulkhead/migration/MigrationBusy")(
  "MigrationBusy",
  { holder: Schema.String }
) {
  readonly isRetryable = true
  override get message(): string {
    return `"${this.holder}" works on this migration: wait for it, or end that process and run the command again`
  }
}

/** The journal says something else than the command needs. */
export class WrongState extends Schema.TaggedError<WrongState>("@bulkhead/migration/WrongState")("WrongState", {
  problem: Schema.String,
  nextStep: Schema.String
}) {
  readonly isRetryable = false
  override get message(): string {
    return `${this.problem}: ${this.nextStep}`
  }
}

/** A step waits for something that only the operator can do. */
export class OperatorNeeded extends Schema.TaggedError<OperatorNeeded>("@bulkhead/migration/OperatorNeeded")(
  "OperatorNeeded",
  { step: Schema.String, problem: Schema.String, nextStep: Schema.String }
) {
  readonly isRetryable = true
  override get message(): string {
    return `Step "${this.step}" waits: ${this.problem}. ${this.nextStep}, then run the same command again`
  }
}

/** The copies are not what the originals are. */
export class CopyDiffers extends Schema.TaggedError<CopyDiffers>("@bulkhead/migration/CopyDiffers")("CopyDiffers", {
  stream: Schema.String,
  differences: Schema.Array(Schema.String)
}) {
  readonly isRetryable = false
  override get message(): string {
    return (
      `The copies of stream "${this.stream}" differ under ${this.differences.length} subjects: ` +
      `${this.differences.slice(0, 5).join("; ")}. Nothing was removed: roll back, or look at these messages`
    )
  }
}

/** Every way in which a migration stops. */
export class MigrationError extends Schema.TaggedError<MigrationError>("@bulkhead/migration/MigrationError")(
  "MigrationError",
  {
    operation: Schema.String,
    reason: Schema.Union([
      PlanRefused,
      ServerUnavailable,
      ServerRefused,
      MigrationBusy,
      WrongState,
      OperatorNeeded,
      CopyDiffers
    ])
  }
) {
  get isRetryable(): boolean {
    return this.reason.isRetryable
  }
  override get message(): string {
    return this.reason.message
  }
}

export type MigrationReason = MigrationError["reason"]
