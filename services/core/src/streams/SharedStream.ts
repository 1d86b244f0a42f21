/**
 * The one stream of all tenants, in the layout `shared`: its subjects follow the tenants and the prefix mode, whoever
 * of several processes changes it.
 */
import { type Flags, prefixMode } from "@bulkhead/flags"
import {
  ensureStream,
  Nats,
  type PlannedStream,
  planSharedStream,
  type SharedSubjects,
  type StreamIncarnation,
  takesWildcards
} from "@bulkhead/nats"
import { TenantStore } from "@bulkhead/storage"
import { Effect, Fiber, Semaphore } from "effect"
import { CoreConfig } from "../CoreConfig.ts"
import { sharedSettings } from "./streamSettings.ts"

const wanted = Effect.fnUntraced(function* (subjects: SharedSubjects) {
  const settings = yield* sharedSettings
  const mode = yield* prefixMode
  const tenants = yield* (yield* TenantStore).list
  const slugs = tenants.filter(({ status }) => status !== "deleting").map(({ slug }) => slug)
  return planSharedStream({ tenants: slugs, mode, settings, subjects })
})

const areEqual = (a: PlannedStream, b: PlannedStream): boolean => a.subjects.join() === b.subjects.join()

/**
 * Looks again after each change: whoever wrote last, perhaps from an older list, has looked after that, and corrects it.
 */
const ensureOnce = Effect.fnUntraced(function* (subjects: SharedSubjects) {
  for (let planned = yield* wanted(subjects); ; ) {
    const made = yield* ensureStream(planned)
    const now = yield* wanted(subjects)
    if (areEqual(planned, now)) return made
    planned = now
  }
})

/** How the stream names its subjects: as wished, where the server's version allows it. */
export const sharedSubjects = Effect.gen(function* () {
  const { sharedSubjects: wish } = yield* CoreConfig
  if (wish === "listed") return wish
  const { info } = yield* (yield* Nats).connection
  return takesWildcards(info?.version ?? "") === false ? "listed" : wish
})

/** Wildcards that the server refuses, whatever its version lets hope for, are replaced by the list. */
const ensureAsWished = Effect.gen(function* () {
  const subjects = yield* sharedSubjects
  if (subjects === "listed") return yield* ensureOnce(subjects)
  return yield* ensureOnce(subjects).pipe(
    Effect.catchReason("NatsError", "RequestRefused", ({ problem }) =>
      Effect.andThen(
        Effect.logWarning("the shared stream lists its tenants: the server refuses wildcards", { problem }),
        ensureOnce("listed")
      )
    )
  )
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
    const made = yield* ensureAsWished
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
