export { type ClaimKind, Claims } from "./Claims.ts"
export { Database, type DatabaseOptions } from "./Database.ts"
export { DEAD_LETTER_REASONS, type DeadLetter, type DeadLetterReason, type StoredMessage } from "./DeadLetter.ts"
export type { Migration } from "./internal/migrate.ts"
export { asStorageError } from "./internal/sqlFailure.ts"
export type { LaneBatch, LaneCommit, OpenLane, TableRows } from "./LaneBatch.ts"
export { LaneStore } from "./LaneStore.ts"
export type { OutboxDraft, TenantChange } from "./lifecycleMessages.ts"
export { migrateControlSchema } from "./migrateControlSchema.ts"
export { migrateServiceSchema } from "./migrateServiceSchema.ts"
export { Outbox, type OutboxMessage } from "./Outbox.ts"
export { type Notice, type Replica, type ReplicaIdentity, type ReplicaSession, Replicas } from "./Replicas.ts"
export { Retention, type RetentionOptions, type RetentionReport } from "./Retention.ts"
export {
  DatabaseMisconfigured,
  DatabaseUnavailable,
  LaneLost,
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
