/**
 * Follows the bucket: hands out, after each change, what it says of every flag.
 *
 * A watch delivers the present entries and then each change. It is started again when the connection comes back, and
 * when a look at the bucket every two seconds shows that it was made anew or holds what the watch has not delivered.
 * Until then, and while NATS or the bucket is away, the last good values stay.
 */
import { JetStreamApiCodes, JetStreamApiError } from "@nats-io/jetstream"
import { Kvm, type KvWatchEntry } from "@nats-io/kv"
import type { NatsConnection } from "@nats-io/nats-core"
import { Cause, Deferred, Effect, Option, Queue, type Scope } from "effect"
import type { Flag, FlagValueInvalid } from "../Flag.ts"
import { FLAG_BUCKET } from "./bucketKeys.ts"
import { LiveFlags } from "./LiveFlags.ts"

const CHECK_EVERY = "2 seconds"
/** A change may be under way while the bucket is looked at: only what is missing twice is missed. */
const CHECK_AGAIN_AFTER = "250 millis"
const RETRY_AFTER = "500 millis"
const FIRST_LOOK_TIMEOUT = "5 seconds"

/** Where one watch stands. */
interface Watch {
  readonly kv: Awaited<ReturnType<Kvm["open"]>>
  readonly createdAt: string
  /** The bucket's newest revision when the watch began; deleted entries may leave no entry of that revision. */
  readonly startRevision: number
  readonly live: LiveFlags
  /** Up to which revision everything was delivered; 0 until all that was there at the start has been. */
  deliveredRevision: number
}

/** Calls `publish` with the bucket's content now and after each change, until the scope closes. */
export const followBucket = Effect.fnUntraced(function* (
  connection: NatsConnection,
  flags: ReadonlyMap<string, Flag<unknown>>,
  publish: (live: LiveFlags) => Effect.Effect<void>
): Effect.fn.Return<void, never, Scope.Scope> {
  const firstLook = yield* Deferred.make<void>()
  const run = Effect.runPromiseWith(yield* Effect.context<never>())
  const reconnects = yield* reconnectsOf(connection)
  let lastGood = new LiveFlags(flags)
  let isAway = false
  /** By key, the entry whose bad value was told of: a watch that starts again delivers it again. */
  const refused = new Map<string, string>()

  const publishSnapshot = Effect.fnUntraced(function* (live: LiveFlags) {
    lastGood = live
    yield* publish(live)
    yield* Deferred.succeed(firstLook, undefined)
    if (isAway) yield* Effect.logInfo(`bucket ${FLAG_BUCKET} is followed again`)
    isAway = false
  })

  const tellRefusal = Effect.fnUntraced(function* (watch: Watch, entry: KvWatchEntry, invalid: FlagValueInvalid) {
    const change = `${watch.createdAt} ${entry.revision}`
    if (refused.get(entry.key) === change) return
    refused.set(entry.key, change)
    yield* Effect.logWarning(`${invalid.message}; the last good value stays`)
  })

  const take = Effect.fnUntraced(function* (watch: Watch, entry: KvWatchEntry) {
    const invalid = watch.live.apply(entry, lastGood)
    if (invalid !== undefined) yield* tellRefusal(watch, entry, invalid)
    if (!entry.isUpdate) return
    watch.deliveredRevision = Math.max(entry.revision, watch.startRevision)
    yield* publishSnapshot(watch.live)
  })

  const follow = Effect.gen(function* () {
    const watch = yield* openWatch(connection, flags)
    if (watch.deliveredRevision === watch.startRevision) yield* publishSnapshot(watch.live)
    const entries = yield* entriesOf(watch)
    const consume = Effect.tryPromise(async (signal) => {
      for await (const entry of entries) {
        if (signal.aborted) return
        await run(take(watch, entry))
      }
    })
    yield* Effect.raceFirst(consume, untilStale(watch))
  }).pipe(Effect.scoped)

  const onFailure = Effect.fnUntraced(function* (cause: Cause.Cause<Cause.UnknownError>) {
    const error = Option.map(Cause.findErrorOption(cause), (unknown) => unknown.cause)
    const isAbsent = Option.exists(error, isBucketAbsent)
    // Nobody has made the bucket yet: there is nothing to wait for, and nothing in it.
    if (isAbsent && !(yield* Deferred.isDone(firstLook))) return yield* publishSnapshot(lastGood)
    if (isAbsent && lastGood.isEmpty) return
    if (isAway) return
    isAway = true
    const why = isAbsent ? "it is gone" : Option.match(error, { onNone: () => Cause.pretty(cause), onSome: String })
    yield* Effect.logWarning(`bucket ${FLAG_BUCKET} cannot be followed (${why}); the last good values of flags stay`)
  })

  yield* follow.pipe(
    Effect.catchCause(onFailure),
    Effect.andThen(Effect.sleep(RETRY_AFTER)),
    Effect.raceFirst(Queue.take(reconnects)),
    Effect.forever,
    Effect.forkScoped
  )
  const looked = yield* Effect.timeoutOption(Deferred.await(firstLook), FIRST_LOOK_TIMEOUT)
  if (Option.isNone(looked)) {
    yield* Effect.logWarning(`bucket ${FLAG_BUCKET} cannot be read yet: flags are as the environment has them`)
  }
})

const isBucketAbsent = (error: unknown): boolean =>
  error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound

/** Tells when the connection has come back; the server's side of a watch may be gone by then. */
const reconnectsOf = Effect.fnUntraced(function* (connection: NatsConnection) {
  const reconnects = yield* Queue.sliding<void>(1)
  const statuses = connection.status()[Symbol.asyncIterator]()
  const listen = async () => {
    for (let next = await statuses.next(); next.done !== true; next = await statuses.next()) {
      if (next.value.type === "reconnect") Queue.offerUnsafe(reconnects, undefined)
    }
  }
  yield* Effect.acquireRelease(
    Effect.sync(() => void listen()),
    () => Effect.sync(() => void statuses.return?.())
  )
  return reconnects
})

const openWatch = Effect.fnUntraced(function* (connection: NatsConnection, flags: ReadonlyMap<string, Flag<unknown>>) {
  const kv = yield* Effect.tryPromise(() => new Kvm(connection).open(FLAG_BUCKET))
  const { created, state } = (yield* Effect.tryPromise(() => kv.status())).streamInfo
  const watch: Watch = {
    kv,
    createdAt: created,
    startRevision: state.last_seq,
    live: new LiveFlags(flags),
    deliveredRevision: state.messages === 0 ? state.last_seq : 0
  }
  return watch
})

/** The watch's entries. A watch that is still being opened when nobody wants it any more is stopped once it is open. */
const entriesOf = (watch: Watch) =>
  Effect.acquireRelease(
    Effect.sync(() => watch.kv.watch()),
    (opening) =>
      Effect.sync(() => {
        opening.then(
          (entries) => entries.stop(),
          () => undefined
        )
      })
  ).pipe(Effect.flatMap((opening) => Effect.tryPromise(() => opening)))

const untilStale = Effect.fnUntraced(function* (watch: Watch) {
  for (let isBehind = false; ; ) {
    yield* Effect.sleep(isBehind ? CHECK_AGAIN_AFTER : CHECK_EVERY)
    const { created, state } = (yield* Effect.tryPromise(() => watch.kv.status())).streamInfo
    const wasBehind = isBehind
    isBehind = state.last_seq > watch.deliveredRevision
    if (created !== watch.createdAt || (wasBehind && isBehind)) return
  }
})
