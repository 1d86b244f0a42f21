/**
 * The one stream of all tenants, in the layout `shared`: its subjects follow the tenants and the prefix mode, whoever
 * of several processes changes it.
 */
import { type Flags, prefixMode } from "@bulkhead/flags"
import { ensureStream, type Nats, type StreamConfig, type StreamIncarnation, sharedStreamConfig } from "@bulkhead/nats"
import { TenantStore } from "@bulkhead/storage"
import { Effect, Fiber, Semaphore } from "effect"
import { CoreConfig } from "../CoreConfig.ts"

const wanted = Effect.gen(function* () {
  const { sharedStreamBytesMax: maxBytes, streamAgeMaxMs: maxAgeMs } = yield* CoreConfig
  const mode = yield* prefixMode
  const tenants = yield* (yield* TenantStore).list
  return sharedStreamConfig({
    tenants: tenants.filter(({ status }) => status !== "deleting").map(({ slug }) => slug),
    mode,
    limits: { maxBytes, maxAgeMs }
  })
})

const areEqual = (a: StreamConfig, b: StreamConfig): boolean => a.subjects.join() === b.subjects.join()

/**
 * Looks again after each change: whoever wrote last, perhaps from an older list, has looked after that, and corrects it.
 */
const ensureOnce = Effect.gen(function* () {
  for (let config = yield* wanted; ; ) {
    const made = yield* ensureStream(config)
    const now = yield* wanted
    if (areEqual(config, now)) return made
    config = now
  }
})

/** Gives an effect that makes the stream take every tenant's subjects; those who ask meanwhile share the next run. */
export const makeSharedStream = Effect.gen(function* () {
  const turns = yield* Semaphore.make(1)
  const context = yield* Effect.context<CoreConfig | Flags | Nats | TenantStore>()
  let begun = 0
  let latest: { readonly run: number; readonly made: StreamIncarnation } | undefined
  const run = Effect.gen(function* () {
    begun += 1
    const own = begun
    const made = yield* ensureOnce
    latest = { run: own, made }
    return made
  }).pipe(Effect.withSpan("SharedStream.ensure"))
  const scope = yield* Effect.scope
  return Effect.suspend(() => {
    const asked = begun
    const shared = Effect.suspend(() =>
      latest !== undefined && latest.run > asked ? Effect.succeed(latest.made) : run
    ).pipe(turns.withPermit, Effect.provideContext(context))
    // In a fiber of its own: the change of somebody who does not wait any more would still reach the server, perhaps
    // after the next one.
    return Effect.flatMap(Effect.forkIn(shared, scope, { startImmediately: true }), Fiber.join)
  })
})
