/**
 * Follows the bucket: hands out, after each change, what it says of every flag.
 *
 * A watch delivers the present entries and then each change. Every two seconds the bucket is compared with what the
 * watch has seen; when they differ (the bucket was made anew, the watch died with its consumer) the watch starts again.
 * Until then, and while NATS is away, the last good values stay.
 */

import { JetStreamApiCodes, JetStreamApiError } from "@nats-io/jetstream"
import { type KV, Kvm, type KvWatchEntry } from "@nats-io/kv"
import type { NatsConnection } from "@nats-io/nats-core"
import { type Cause, Deferred, Effect, Option, type Scope } from "effect"
import type { Flag } from "../Flag.ts"
import { FLAG_BUCKET } from "./bucketKeys.ts"
import { LiveFlags } from "./LiveFlags.ts"

const CHECK_EVERY = "2 seconds"
const RETRY_AFTER = "500 millis"
const FIRST_LOOK_TIMEOUT = "5 seconds"
/** Checks in a row that find changes the watch has not delivered, before the watch counts as dead. */
const CHECKS_BEHIND_MAX = 2

const isAbsent = (error: unknown): boolean =>
  error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound

/** Where one watch stands. */
interface Watched {
  readonly createdAt: string
  revision: number
}

/** Calls `publish` with the bucket's content now and after each change, until the scope closes. */
export const followBucket = Effect.fnUntraced(function* (
  connection: NatsConnection,
  flags: ReadonlyMap<string, Flag<unknown>>,
  publish: (live: LiveFlags) => void
): Effect.fn.Return<void, never, Scope.Scope> {
  const firstLook = yield* Deferred.make<void>()
  const run = Effect.runSyncWith(yield* Effect.context<never>())
  let lastGood = new LiveFlags(flags)

  const publishSnapshot = (live: LiveFlags): void => {
    lastGood = live
    publish(live)
    Deferred.doneUnsafe(firstLook, Effect.void)
  }

  /** Reads entries into `live`; it is published when the watch has delivered all that was there, and after each change. */
  const consume = (entries: AsyncIterable<KvWatchEntry>, live: LiveFlags, watched: Watched) =>
    Effect.tryPromise(async () => {
      for await (const entry of entries) {
        const invalid = live.apply(entry, lastGood)
        if (invalid !== undefined) run(Effect.logWarning(`${invalid.message}; the last good value stays`))
        watched.revision = entry.revision
        if (entry.isUpdate) publishSnapshot(live)
      }
    })

  const untilStale = Effect.fnUntraced(function* (kv: KV, watched: Watched) {
    let behind = 0
    while (behind < CHECKS_BEHIND_MAX) {
      yield* Effect.sleep(CHECK_EVERY)
      const { streamInfo } = yield* Effect.tryPromise(() => kv.status())
      if (streamInfo.created !== watched.createdAt) return
      behind = streamInfo.state.last_seq > watched.revision ? behind + 1 : 0
    }
  })

  /** Nobody has made the bucket yet: there is nothing to wait for, and nothing in it. */
  const publishAbsence = (error: Cause.UnknownError) =>
    Effect.sync(() => {
      if (isAbsent(error.cause)) publishSnapshot(new LiveFlags(flags))
    })

  const follow = Effect.gen(function* () {
    const kv = yield* Effect.tryPromise(() => new Kvm(connection).open(FLAG_BUCKET))
    const { streamInfo } = yield* Effect.tryPromise(() => kv.status()).pipe(Effect.tapError(publishAbsence))
    const watched: Watched = { createdAt: streamInfo.created, revision: streamInfo.state.last_seq }
    const live = new LiveFlags(flags)
    if (streamInfo.state.messages === 0) publishSnapshot(live)
    const entries = yield* Effect.acquireRelease(
      Effect.tryPromise(() => kv.watch()),
      (open) => Effect.sync(() => open.stop())
    )
    yield* Effect.raceFirst(consume(entries, live, watched), untilStale(kv, watched))
  }).pipe(Effect.scoped)

  yield* follow.pipe(
    Effect.catchCause((cause) => Effect.logDebug("flags are not followed; trying again", cause)),
    Effect.andThen(Effect.sleep(RETRY_AFTER)),
    Effect.forever,
    Effect.forkScoped
  )
  const looked = yield* Effect.timeoutOption(Deferred.await(firstLook), FIRST_LOOK_TIMEOUT)
  if (Option.isNone(looked)) {
    yield* Effect.logWarning(`bucket ${FLAG_BUCKET} cannot be read yet: flags are as the environment has them`)
  }
})
