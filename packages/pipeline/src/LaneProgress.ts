/**
 * What health and metrics know of one tenant's lane. The lane writes it once a batch; readers take it as it stands.
 */
import type { ConsumerLag } from "@bulkhead/nats"
import type { Effect } from "effect"
import type { LaneQuota } from "./LaneQuota.ts"

export interface LaneProgress {
  /** Rows this lane has written into the table over all restarts. */
  rowsWritten: number
  /** Messages kept as dead letters over all restarts. */
  deadLetters: number
  lastCommitAtMs: number | undefined
  /** The lane that writes now, and how far it is. */
  lane?: { readonly name: string; readonly watermark: number } | undefined
  /** Asks the server how far behind the lane is; absent while no lane runs. */
  lag: Effect.Effect<ConsumerLag, unknown> | undefined
  /** The lag as the lane sees it, without asking: see `BatchConsumer.lagSeen`. */
  lagSeen?: Effect.Effect<ConsumerLag> | undefined
  /** Says whether the tenant's quotas hold the lane back, and why; absent while no lane runs. */
  quota?: Pick<LaneQuota, "hold"> | undefined
}
