/**
 * Runs a lane for each tenant and stream that there are, in one process at a time: others stand by. Lanes fail and begin
 * again each for itself.
 */
import { SHARED_STREAM_NAME, streamName } from "@bulkhead/channels"
import { listStreams } from "@bulkhead/nats"
import { Health, keepRunning } from "@bulkhead/observability"
import { SoleWriter, TenantStore } from "@bulkhead/storage"
import { withTenant } from "@bulkhead/tenancy"
import { Effect, FiberMap, Layer } from "effect"
import { type FlowLane, runFlowLane } from "./FlowLane.ts"
import { NetflowConfig } from "./NetflowConfig.ts"
import { NetflowMetrics } from "./NetflowMetrics.ts"

const STANDBY_LOOK_EVERY = "1 second"

type Wanted = Omit<FlowLane, "progress">

const keyOf = ({ tenant, stream }: Wanted): string => `${stream}.${tenant}`

/** By key. A tenant has a stream of its own, a place in that of all, or both while the layout changes. */
const wantedLanes = Effect.gen(function* () {
  const tenants = yield* (yield* TenantStore).list
  const streams = new Set((yield* listStreams()).map(({ stream }) => stream))
  const wanted = tenants
    .filter(({ status }) => status !== "deleting")
    .flatMap(({ slug }) => [streamName(slug), SHARED_STREAM_NAME].map((stream) => ({ tenant: slug, stream })))
    .filter(({ stream }) => streams.has(stream))
  return new Map(wanted.map((lane) => [keyOf(lane), lane]))
})

const make = Effect.gen(function* () {
  const { reconcileMs } = yield* NetflowConfig
  const metrics = yield* NetflowMetrics
  const writers = yield* SoleWriter
  let problem: string | undefined = "begins"

  const supervised = (wanted: Wanted) => {
    const lane = { ...wanted, progress: metrics.open(wanted.tenant, keyOf(wanted)) }
    return keepRunning({
      what: "a lane",
      work: runFlowLane(lane),
      onFailure: () => metrics.restarted(wanted.tenant)
    }).pipe(Effect.ensuring(Effect.sync(() => metrics.close(keyOf(wanted)))), withTenant({ slug: wanted.tenant }))
  }

  const work = Effect.gen(function* () {
    const session = yield* writers.open("netflow-consumer")
    while (!(yield* session.isSole)) {
      // A process that stands by is ready to take over.
      problem = undefined
      yield* Effect.sleep(STANDBY_LOOK_EVERY)
    }
    const lanes = yield* FiberMap.make<string>()
    while (true) {
      const wanted = yield* wantedLanes
      for (const [key] of lanes) if (!wanted.has(key)) yield* FiberMap.remove(lanes, key)
      for (const [key, lane] of wanted) {
        if (!(yield* FiberMap.has(lanes, key))) yield* FiberMap.run(lanes, key, supervised(lane))
      }
      problem = undefined
      yield* Effect.sleep(reconcileMs)
      // Without the session another process may begin with the same lanes.
      yield* session.isSole
    }
  })

  yield* (yield* Health).register(
    "lanes",
    Effect.sync(() => problem)
  )
  yield* keepRunning({
    what: "the look for lanes",
    work: Effect.scoped(work),
    onFailure: (failure) => {
      problem = failure
    }
  }).pipe(Effect.forkScoped)
})

/** Writes the flows of all tenants until the scope closes. */
export const NetflowConsumer = Layer.effectDiscard(make)
