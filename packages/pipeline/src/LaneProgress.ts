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
  /** Asks the server how far behind the lane is; absent while no lane runs. */
  lag: Effect.Effect<ConsumerLag, unknown> | undefined
  /** Says whether the tenant's quotas hold the lane back, and why; absent while no lane runs. */
  quota?: Pick<LaneQuota, "hold"> | undefined
}
