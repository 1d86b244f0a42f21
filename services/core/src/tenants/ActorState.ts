/**
 * What can be seen of a tenant's actor from outside. The actor and its lane write it, everybody else reads.
 */
import type { ConsumerLag } from "@bulkhead/nats"
import type { LaneHold, LaneProgress } from "@bulkhead/pipeline"
import type { LaneStats } from "@bulkhead/storage"
import type { Tenant, TenantStatus } from "@bulkhead/tenancy"
import type { Effect } from "effect"

export class ActorState implements LaneProgress {
  tenant: Tenant
  /** `active` while the lane runs, `degraded` while it waits for its next try; else what is wanted of the tenant. */
  status: TenantStatus = "provisioning"
  /** Why the lane does not run as it should; undefined while it does. */
  reason: string | undefined
  /** The last failure, also after it was overcome. */
  lastError: string | undefined
  restarts = 0
  /** The lanes of a schema that was seen to stand: then the first start need neither make it nor ask. */
  present: ReadonlyArray<LaneStats> | undefined
  rowsWritten = 0
  deadLetters = 0
  lastCommitAtMs: number | undefined
  quota: LaneProgress["quota"]
  lane: LaneProgress["lane"]
  lagSeen: LaneProgress["lagSeen"]
  /** Called when the lane is seated and reads. */
  onRunning: (() => void) | undefined
  #lag: Effect.Effect<ConsumerLag, unknown> | undefined

  constructor(tenant: Tenant, present?: ReadonlyArray<LaneStats>) {
    this.tenant = tenant
    this.present = present
  }

  get lag(): Effect.Effect<ConsumerLag, unknown> | undefined {
    return this.#lag
  }

  /** A lane that can say how far it is behind runs. */
  set lag(lag: Effect.Effect<ConsumerLag, unknown> | undefined) {
    this.#lag = lag
    if (lag !== undefined) this.onRunning?.()
  }

  get isRunning(): boolean {
    return this.#lag !== undefined
  }

  /** Which quota holds the lane back, and why. */
  get hold(): LaneHold | undefined {
    return this.quota?.hold
  }

  /** As others are told it: a tenant over its storage does not work as it should. */
  get statusNow(): TenantStatus {
    return this.hold?.kind === "storage" && this.status === "active" ? "degraded" : this.status
  }

  get reasonNow(): string | undefined {
    return this.reason ?? this.hold?.reason
  }

  running(): void {
    this.status = this.tenant.status
    this.reason = undefined
  }

  failed(problem: string): void {
    this.present = undefined
    this.#lag = undefined
    this.lastError = problem
    this.reason = problem
    this.restarts += 1
    // What is wanted is more telling than that it is not done yet.
    this.status = this.tenant.status === "active" ? "degraded" : this.tenant.status
  }
}
