import type { TenantSlug } from "@bulkhead/channels"
import type { BatchLimits } from "@bulkhead/nats"
import type { Decoder } from "@bulkhead/records"
import type { LaneCommit } from "@bulkhead/storage"
import type { Effect, Semaphore } from "effect"
import type { SharedLaneProgress } from "./SharedLaneProgress.ts"

/** A lane of many tenants. */
export interface SharedLaneOptions {
  /** The stream that the tenants share. */
  readonly stream: string
  /** What is read, without tenant: `events.>` for `*.events.>` and `events.>`. */
  readonly patterns: readonly [string, ...ReadonlyArray<string>]
  /** The durable consumer under which operators see the lane's lag; those of held tenants have the slug behind it. */
  readonly durable: string
  readonly decode: Decoder
  readonly limits: BatchLimits
  /** So many tenants' parts of a batch are committed at a time. */
  readonly commitsAtOnce: number
  /** A tenant whose commit takes longer is held back, so that the others go on. */
  readonly slowMs: number
  /** So many held tenants are tried at a time. */
  readonly turns: Semaphore.Semaphore
  /** Kept up to date by the lane, for health and metrics. */
  readonly progress: SharedLaneProgress
  /** Told of each part that was written. */
  readonly onCommit: (tenant: TenantSlug, written: LaneCommit) => Effect.Effect<void>
  /** Told of messages whose subject names no tenant that could exist; they stay in the stream until they expire. */
  readonly onNobodys: (subjects: ReadonlyArray<string>) => Effect.Effect<void>
}
