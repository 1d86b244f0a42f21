/**
 * The one error of this package. Its `reason` says what happened and whether trying again can help; its message never
 * holds a credential.
 */
import { Schema } from "effect"

const fields = { cause: Schema.optional(Schema.Defect()) }

/** PostgreSQL cannot be reached, is starting or stopping, or refused for want of a resource or a lock. */
export class DatabaseUnavailable extends Schema.TaggedError<DatabaseUnavailable>(
  "@bulkhead/storage/DatabaseUnavailable"
)("DatabaseUnavailable", { ...fields, problem: Schema.String }) {
  readonly isRetryable = true
  override get message(): string {
    return `PostgreSQL is not available (${this.problem}): wait and try again`
  }
}

/** PostgreSQL understood and refused: a missing right, a missing object, or a mistake of ours. */
export class StatementRefused extends Schema.TaggedError<StatementRefused>("@bulkhead/storage/StatementRefused")(
  "StatementRefused",
  { ...fields, sqlState: Schema.optional(Schema.String), problem: Schema.String }
) {
  readonly isRetryable = false
  override get message(): string {
    return `PostgreSQL refused (SQLSTATE ${this.sqlState ?? "unknown"}): ${this.problem}`
  }
}

/** The database URL or the server behind it is not what we can work with. */
export class DatabaseMisconfigured extends Schema.TaggedError<DatabaseMisconfigured>(
  "@bulkhead/storage/DatabaseMisconfigured"
)("DatabaseMisconfigured", { ...fields, problem: Schema.String, nextStep: Schema.String }) {
  readonly isRetryable = false
  override get message(): string {
    return `${this.problem}: ${this.nextStep}`
  }
}

/** There is a tenant of that slug already. */
export class TenantExists extends Schema.TaggedError<TenantExists>("@bulkhead/storage/TenantExists")("TenantExists", {
  slug: Schema.String
}) {
  readonly isRetryable = false
  override get message(): string {
    return `Tenant "${this.slug}" exists already: choose another slug`
  }
}

/** There is no tenant of that slug. */
export class TenantUnknown extends Schema.TaggedError<TenantUnknown>("@bulkhead/storage/TenantUnknown")(
  "TenantUnknown",
  { slug: Schema.String }
) {
  readonly isRetryable = false
  override get message(): string {
    return `Tenant "${this.slug}" is unknown: create it first`
  }
}

/** The tenant has no schema or no role in this database yet. */
export class TenantNotProvisioned extends Schema.TaggedError<TenantNotProvisioned>(
  "@bulkhead/storage/TenantNotProvisioned"
)("TenantNotProvisioned", { slug: Schema.String, ...fields }) {
  readonly isRetryable = false
  override get message(): string {
    return `Tenant "${this.slug}" has no schema in this database: provision it first`
  }
}

/** The tenant is being deleted, and nothing else can be asked for it. */
export class TenantDeleting extends Schema.TaggedError<TenantDeleting>("@bulkhead/storage/TenantDeleting")(
  "TenantDeleting",
  { slug: Schema.String, ...fields }
) {
  readonly isRetryable = false
  override get message(): string {
    return `Tenant "${this.slug}" is being deleted: wait until it is gone, and create it anew`
  }
}

/** The watermark is not where this writer left it: another writer owns the lane now. */
export class LaneLost extends Schema.TaggedError<LaneLost>("@bulkhead/storage/LaneLost")("LaneLost", {
  tenant: Schema.String,
  lane: Schema.String,
  expected: Schema.Int,
  /** Where the watermark stands; undefined where the lane was never opened. */
  observed: Schema.optional(Schema.Int)
}) {
  readonly isRetryable = false
  override get message(): string {
    return (
      `Lane "${this.lane}" of tenant "${this.tenant}" stands at ${this.observed ?? "no watermark"}, ` +
      `not at ${this.expected}: another writer has it, read the watermark again`
    )
  }
}

/** A replay of the tenant's lane is not over, and what was asked would change what it copies. */
export class ReplayUnfinished extends Schema.TaggedError<ReplayUnfinished>("@bulkhead/storage/ReplayUnfinished")(
  "ReplayUnfinished",
  { tenant: Schema.String, replay: Schema.Int }
) {
  readonly isRetryable = false
  override get message(): string {
    return `Replay ${this.replay} of tenant "${this.tenant}" is not finished: wait until it is, or cancel it`
  }
}

/** The lane cannot be replayed from there. */
export class OutOfReach extends Schema.TaggedError<OutOfReach>("@bulkhead/storage/OutOfReach")("OutOfReach", {
  lane: Schema.String,
  sequence: Schema.Int,
  first: Schema.Int,
  last: Schema.Int
}) {
  readonly isRetryable = false
  override get message(): string {
    return (
      `Lane "${this.lane}" cannot be replayed from sequence ${this.sequence}: ` +
      (this.last < this.first
        ? `nothing that it has written since sequence ${this.first} can be; wait for new messages`
        : `it has written what stands from ${this.first} to ${this.last}; choose one of these`)
    )
  }
}

/** The replay is over, or another process goes on with it. */
export class ReplayLost extends Schema.TaggedError<ReplayLost>("@bulkhead/storage/ReplayLost")("ReplayLost", {
  tenant: Schema.String,
  replay: Schema.Int
}) {
  readonly isRetryable = false
  override get message(): string {
    return `Replay ${this.replay} of tenant "${this.tenant}" is not where this process left it: read it again`
  }
}

/** A name that none of a tenant's rules, groups or revisions has. */
export class RuleUnknown extends Schema.TaggedError<RuleUnknown>("@bulkhead/storage/RuleUnknown")("RuleUnknown", {
  tenant: Schema.String,
  kind: Schema.Literals(["rule", "group", "revision"]),
  name: Schema.String,
  known: Schema.Array(Schema.String)
}) {
  readonly isRetryable = false
  override get message(): string {
    const known = this.known.length === 0 ? "it has none" : `those that are: ${this.known.slice(-20).join(", ")}`
    return `Tenant "${this.tenant}" has no ${this.kind} "${this.name}"; ${known}`
  }
}

/** There are as many as there may be. */
export class RuleLimit extends Schema.TaggedError<RuleLimit>("@bulkhead/storage/RuleLimit")("RuleLimit", {
  what: Schema.String,
  observed: Schema.Int,
  limit: Schema.Int,
  nextStep: Schema.String
}) {
  readonly isRetryable = false
  override get message(): string {
    return `There are ${this.observed} ${this.what}, and ${this.limit} is the limit: ${this.nextStep}`
  }
}

/** Every way in which this package fails. */
export class StorageError extends Schema.TaggedError<StorageError>("@bulkhead/storage/StorageError")("StorageError", {
  operation: Schema.String,
  reason: Schema.Union([
    DatabaseUnavailable,
    StatementRefused,
    DatabaseMisconfigured,
    TenantExists,
    TenantUnknown,
    TenantNotProvisioned,
    TenantDeleting,
    LaneLost,
    ReplayUnfinished,
    OutOfReach,
    ReplayLost,
    RuleUnknown,
    RuleLimit
  ])
}) {
  get isRetryable(): boolean {
    return this.reason.isRetryable
  }
  override get message(): string {
    return `${this.operation}: ${this.reason.message}`
  }
}

export type StorageReason = StorageError["reason"]
