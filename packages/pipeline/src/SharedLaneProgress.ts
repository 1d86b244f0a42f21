/**
 * What health and metrics know of a lane that many tenants share. The lane writes it; readers take it as it stands.
 */
import type { ConsumerLag } from "@bulkhead/nats"
import type { HeldTenant } from "@bulkhead/storage"
import type { Effect } from "effect"

export interface SharedLaneProgress {
  /** `standby` while another process writes this lane. */
  phase: "starting" | "standby" | "running"
  /** Up to here every message is written, or belongs to a tenant that is held back. */
  watermark: number
  /** Tenants that go along. */
  seated: number
  held: ReadonlyArray<HeldTenant>
  /** Asks the server how far behind the lane is; absent while it does not run. */
  lag: Effect.Effect<ConsumerLag, unknown> | undefined
}

export const initialSharedProgress = (): SharedLaneProgress => ({
  phase: "starting",
  watermark: 0,
  seated: 0,
  held: [],
  lag: undefined
})
