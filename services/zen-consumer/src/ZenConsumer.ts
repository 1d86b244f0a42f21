/**
 * Runs a lane for each tenant that has a stream, and begins one that failed again after a pause that grows. Which tenants
 * there are is what the server's streams say.
 */
import {
  baseOffset,
  DEFAULT_TENANT,
  isTenantSlug,
  SHARED_STREAM_NAME,
  type TenantSlug,
  tenantOfStream
} from "@bulkhead/channels"
import { findStream, listStreams } from "@bulkhead/nats"
import { Health, keepRunning } from "@bulkhead/observability"
import { withTenant } from "@bulkhead/tenancy"
import { Effect, Fiber, Layer } from "effect"
import { RuleBook } from "./RuleBook.ts"
import { runLane } from "./runLane.ts"
import { ZenConfig } from "./ZenConfig.ts"
import { ZenMetrics } from "./ZenMetrics.ts"

/** A lane that shall be. */
interface Wanted {
  readonly tenant: TenantSlug
  readonly stream: string
}

const keyOf = ({ tenant, stream }: Wanted): string => `${stream}.${tenant}`

/** In the stream that they share, each tenant's subjects are listed. */
const tenantsIn = (subjects: ReadonlyArray<string>): ReadonlyArray<TenantSlug> => {
  const tenants = new Set<TenantSlug>()
  for (const subject of subjects) {
    const [first] = subject.split(".")
    if (baseOffset(subject) === 0) tenants.add(DEFAULT_TENANT)
    else if (isTenantSlug(first)) tenants.add(first)
  }
  return [...tenants]
}

const wantedLanes = Effect.gen(function* () {
  const streams = yield* listStreams()
  const own = streams.flatMap(({ stream }): ReadonlyArray<Wanted> => {
    const tenant = tenantOfStream(stream)
    return tenant === undefined ? [] : [{ tenant, stream }]
  })
  const shared = streams.some(({ stream }) => stream === SHARED_STREAM_NAME)
    ? yield* findStream(SHARED_STREAM_NAME)
    : undefined
  const sharing = tenantsIn(shared?.subjects ?? []).map((tenant) => ({ tenant, stream: SHARED_STREAM_NAME }))
  return [...own, ...sharing]
})

const seatedLane = Effect.fnUntraced(function* ({ tenant, stream }: Wanted) {
  const source = yield* findStream(stream)
  if (source !== undefined) return yield* runLane(tenant, source)
})

const supervised = (wanted: Wanted) =>
  Effect.gen(function* () {
    const metrics = yield* ZenMetrics
    return yield* keepRunning({
      what: "a lane",
      // Where the stream is gone it ends: whoever looks for lanes next begins it again, should the stream be made anew.
      work: Effect.scoped(seatedLane(wanted)),
      onFailure: () => metrics.restarted(wanted.tenant)
    })
  }).pipe(withTenant({ slug: wanted.tenant }))

const make = Effect.gen(function* () {
  const { reconcileMs } = yield* ZenConfig
  const book = yield* RuleBook
  const health = yield* Health
  const lanes = new Map<string, Fiber.Fiber<void, never>>()
  let problem: string | undefined = "the streams are not listed yet"
  yield* health.register("rules", book.problem)
  yield* health.register(
    "streams",
    Effect.sync(() => problem)
  )

  const reconcile = Effect.gen(function* () {
    const wanted = new Map((yield* wantedLanes).map((lane) => [keyOf(lane), lane]))
    for (const [key, fiber] of lanes) {
      const isOver = fiber.pollUnsafe() !== undefined
      if (wanted.has(key) && !isOver) continue
      lanes.delete(key)
      yield* Fiber.interrupt(fiber)
    }
    for (const [key, lane] of wanted) {
      if (!lanes.has(key)) lanes.set(key, yield* Effect.forkScoped(supervised(lane)))
    }
    problem = undefined
  })

  yield* reconcile.pipe(
    Effect.catch((error) => {
      problem = error.message
      return Effect.logWarning("the streams cannot be listed; the lanes that run go on", { problem: error.message })
    }),
    Effect.andThen(Effect.sleep(reconcileMs)),
    Effect.forever,
    Effect.forkScoped
  )
})

/** Decides for all tenants until the scope closes. */
export const ZenConsumer = Layer.effectDiscard(make)
