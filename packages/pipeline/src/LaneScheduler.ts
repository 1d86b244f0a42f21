/**
 * Shares what all lanes of a process need among them by the weights of their tenants, so that a busy one cannot starve
 * another: the database, by one commit at a time on each of the connections of lanes, and the process itself, by one
 * slice of decoding at a time (docs/adr/0015). What counts is the time that a lane spends in its turns: a tenant whose
 * commits are slow, for whatever reason, pays for it itself.
 */
import type { TenantSlug } from "@bulkhead/channels"
import { LaneStore } from "@bulkhead/storage"
import { Context, Effect, Layer } from "effect"
import { FairQueue, Flow } from "./internal/FairQueue.ts"

/** Runs work when it is the lane's turn, and ends the turn with it. Waiting can be interrupted. */
export type Turn = <A, E, R>(work: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

/** One lane's turns; of each kind it takes one at a time. */
export interface LaneTurns {
  readonly decode: Turn
  readonly commit: Turn
}

/** How much is under way. */
export interface SchedulerLoad {
  readonly commits: number
  /** Lanes that wait for a commit. */
  readonly waiting: number
}

const turnOf = (queue: FairQueue, weight: number): Turn => {
  const flow = new Flow(weight)
  const wait = Effect.callback<void>((resume) => {
    queue.enter(flow, () => resume(Effect.void))
    return Effect.sync(() => queue.withdraw(flow))
  })
  return (work) =>
    Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(restore(wait), () => {
        const beganMs = performance.now()
        return Effect.ensuring(
          restore(work),
          Effect.sync(() => queue.leave(flow, performance.now() - beganMs))
        )
      })
    )
}

/** Where lanes commit. */
interface CommitSlots {
  readonly connections: number
  /** The connection that a tenant always has. */
  readonly connectionOf: (tenant: TenantSlug) => number
}

const make = ({ connections, connectionOf }: CommitSlots) => {
  const slots = Array.from({ length: connections }, () => new FairQueue(1))
  const decoding = new FairQueue(1)
  const slotOf = (tenant: TenantSlug): FairQueue => {
    const slot = slots[connectionOf(tenant)]
    if (slot === undefined) throw new Error(`there is no connection ${connectionOf(tenant)} of lanes`)
    return slot
  }
  return LaneScheduler.of({
    lane: ({ tenant, weight }) => ({ decode: turnOf(decoding, weight), commit: turnOf(slotOf(tenant), weight) }),
    load: Effect.sync(() => ({
      commits: slots.reduce((sum, { slotsTaken }) => sum + slotsTaken, 0),
      waiting: slots.reduce((sum, { waiting }) => sum + waiting, 0)
    }))
  })
}

export class LaneScheduler extends Context.Service<
  LaneScheduler,
  {
    /** The turns of one lane; `weight` is its share against that of others. */
    readonly lane: (options: { readonly tenant: TenantSlug; readonly weight: number }) => LaneTurns
    readonly load: Effect.Effect<SchedulerLoad>
  }
>()("@bulkhead/pipeline/LaneScheduler") {
  /** One commit at a time on each of the store's connections. */
  static readonly layer: Layer.Layer<LaneScheduler, never, LaneStore> = Layer.effect(
    LaneScheduler,
    Effect.map(LaneStore, (store) => make(store))
  )

  static readonly layerWith = (slots: CommitSlots): Layer.Layer<LaneScheduler> =>
    Layer.sync(LaneScheduler, () => make(slots))
}
