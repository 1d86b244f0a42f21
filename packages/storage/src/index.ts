export { type ClaimKind, Claims } from "./Claims.ts"
export { Database, type DatabaseOptions, databaseSettings } from "./Database.ts"
export {
  DEAD_LETTER_REASONS,
  type DeadLetter,
  type DeadLetterEntry,
  type DeadLetterFilter,
  type DeadLetterOutcome,
  type DeadLetterReason,
  type DeadLetterRun,
  type DeadLetterSelection,
  type KeptDeadLetter,
  type StoredMessage
} from "./DeadLetter.ts"
export { type DeadLetterCounts, DeadLetters, type LettersInstead, type MessageDecoder } from "./DeadLetters.ts"
export type { Migration } from "./internal/migrate.ts"
export { asStorageError } from "./internal/sqlFailure.ts"
export type { LaneBatch, LaneCommit, OpenLane, TableRows } from "./LaneBatch.ts"
export { LaneStore } from "./LaneStore.ts"
export type { OutboxDraft, TenantChange } from "./lifecycleMessages.ts"
export { migrateControlSchema } from "./migrateControlSchema.ts"
export { migrateServiceSchema } from "./migrateServiceSchema.ts"
export { Outbox, type OutboxMessage } from "./Outbox.ts"
export type { Replay, ReplayProgress, ReplayStatus } from "./Replay.ts"
export { ReplayStore } from "./ReplayStore.ts"
export { type Notice, type Replica, type ReplicaIdentity, type ReplicaSession, Replicas } from "./Replicas.ts"
export { Retention, type RetentionOptions, type RetentionReport } from "./Retention.ts"
export {
  type RuleDraft,
  type RuleGroup,
  RuleStore,
  type RulesToPublish,
  type StoredRevision,
  type StoredRule,
  type TenantRules
} from "./RuleStore.ts"
export {
  type HeldTenant,
  HOLD_REASONS,
  type HoldReason,
  type SharedLanePlace,
  type SharedLaneSession,
  SharedLanes,
  type SharedStreamName
} from "./SharedLanes.ts"
export { SoleWriter, type SoleWriterSession } from "./SoleWriter.ts"
export {
  DatabaseMisconfigured,
  DatabaseUnavailable,
  LaneLost,
  OutOfReach,
  ReplayLost,
  ReplayUnfinished,
  RuleLimit,
  RuleUnknown,
  StatementRefused,
  StorageError,
  type StorageReason,
  TenantDeleting,
  TenantExists,
  TenantNotProvisioned,
  TenantUnknown
} from "./StorageError.ts"
export { storageLayer } from "./storageLayer.ts"
export { type KnownTenantRun, type TenantRun, TenantRuns } from "./TenantRuns.ts"
export { type MigrationOutcome, type SchemaVersions, TenantSchemas } from "./TenantSchemas.ts"
export { TenantSizes } from "./TenantSizes.ts"
export { type LaneStats, TenantStats } from "./TenantStats.ts"
export { type ErasureRecord, type NewTenant, TenantStore, type TenantTerms, type TenantWish } from "./TenantStore.ts"
