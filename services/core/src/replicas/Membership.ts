/**
 * This process among the replicas of core. It renews its membership over a session of its own, knows the other members,
 * and passes on what PostgreSQL tells about changes. A replica that could not renew for its lifetime counts itself out
 * before the others do: then it runs nothing.
 */
import { randomUUID } from "node:crypto"
import { hostname } from "node:os"
import { Health } from "@bulkhead/observability"
import { type Notice, type Replica, type ReplicaSession, Replicas } from "@bulkhead/storage"
import {
  Context,
  Effect,
  Fiber,
  Layer,
  PubSub,
  Queue,
  Schedule,
  Schema,
  type Scope,
  type Stream,
  SubscriptionRef
} from "effect"
import { CoreConfig } from "../CoreConfig.ts"
import { ownerOf } from "./ownerOf.ts"

/** Who the members are, as this replica sees it. */
export interface MembershipView {
  /** Rises each time this replica became a member: what it had claimed before is not its own any more. */
  readonly term: number
  /** By id; empty while this replica is none of them. */
  readonly members: ReadonlyArray<Replica>
}

export class Membership extends Context.Service<
  Membership,
  {
    /** This process's id, new in each life. */
    readonly self: string
    readonly view: Effect.Effect<MembershipView>
    /** The view, now and whenever it changes. */
    readonly views: Stream.Stream<MembershipView>
    /** What others changed; one that is told while there is no session is lost. */
    readonly notices: Effect.Effect<PubSub.Subscription<Notice>, never, Scope.Scope>
    /** Whether `name` is this replica's to run, as that view has it. */
    readonly isOwner: (view: MembershipView, name: string) => boolean
  }
>()("@bulkhead/core/Membership") {
  static readonly layer = Layer.effect(
    Membership,
    Effect.suspend(() => make)
  )
}

/** Times with which living replicas would take each other for dead. */
class ReplicaTimesUnusable extends Schema.TaggedError<ReplicaTimesUnusable>()("ReplicaTimesUnusable", {
  heartbeatMs: Schema.Int,
  lifetimeMs: Schema.Int
}) {
  override get message(): string {
    return (
      `CORE_REPLICA_LIFETIME_MS=${this.lifetimeMs} is less than twice CORE_HEARTBEAT_MS=${this.heartbeatMs}: one late ` +
      "heartbeat would move all tenants. Raise the first or lower the second"
    )
  }
}

/** Others that lost their sessions at the same moment come back too: who acts at once would take all they had. */
const REJOIN_PAUSE_BEATS = 1.5
const LEAVE_TIMEOUT = "1 second"

const reconnect = Schedule.min([Schedule.exponential("100 millis"), Schedule.spaced("1 second")]).pipe(
  Schedule.jittered
)

const idsOf = (members: ReadonlyArray<Replica>): string => members.map(({ id }) => id).join()

const make = Effect.gen(function* () {
  const { heartbeatMs, replicaLifetimeMs: lifetimeMs } = yield* CoreConfig
  if (lifetimeMs < 2 * heartbeatMs) return yield* new ReplicaTimesUnusable({ heartbeatMs, lifetimeMs })
  const replicas = yield* Replicas
  const health = yield* Health
  const scope = yield* Effect.scope
  const self = { id: randomUUID(), name: `${hostname()}:${process.pid}`, lifetimeMs }
  const view = yield* SubscriptionRef.make<MembershipView>({ term: 0, members: [] })
  const notices = yield* PubSub.unbounded<Notice>()
  let session: ReplicaSession | undefined
  let isLeaving = false
  let term = 0
  // By the monotonic clock, which goes on while a process is frozen and never jumps.
  let renewedAtMs = performance.now()
  const isOverdue = () => performance.now() - renewedAtMs >= lifetimeMs

  const see = (members: ReadonlyArray<Replica>) => {
    const now = SubscriptionRef.getUnsafe(view)
    return term === now.term && idsOf(members) === idsOf(now.members)
      ? Effect.void
      : SubscriptionRef.set(view, { term, members })
  }

  const renew = Effect.fnUntraced(function* (current: ReplicaSession) {
    const sentAtMs = performance.now()
    const { members, isNew } = yield* current.renew
    renewedAtMs = sentAtMs
    if (isNew) term += 1
    if (!isNew || term === 1) return yield* see(members)
    yield* see([])
    yield* Effect.logWarning("this replica was taken out of the members, and joins again", { replica: self.id })
    yield* Effect.sleep(heartbeatMs * REJOIN_PAUSE_BEATS)
  })

  /** One session, until it fails. */
  const live = Effect.gen(function* () {
    const current = yield* replicas.open(self)
    session = current
    /** Asks for a renewal before its time. */
    const hurry = yield* Queue.sliding<void>(1)
    const listen = current.notices.pipe(
      Effect.tap((all) => (all.some(({ kind }) => kind === "replicas") ? Queue.offer(hurry, undefined) : Effect.void)),
      Effect.flatMap((all) => PubSub.publishAll(notices, all)),
      Effect.forever
    )
    const beat = Effect.suspend(() => (isLeaving ? Effect.never : renew(current))).pipe(
      Effect.andThen(Effect.timeoutOption(Queue.take(hurry), heartbeatMs)),
      Effect.forever
    )
    return yield* Effect.raceFirst(listen, beat)
  }).pipe(Effect.scoped)

  /** A session that neither fails nor renews is left to itself, because closing it may take as long. */
  const liveUnlessStuck = Effect.gen(function* () {
    const beganAtMs = performance.now()
    const isStuck = () => performance.now() - Math.max(renewedAtMs, beganAtMs) >= lifetimeMs
    const fiber = yield* Effect.forkIn(live, scope)
    const ended = Effect.andThen(Fiber.join(fiber), Effect.void)
    const stuck = Effect.sleep(heartbeatMs).pipe(Effect.repeat({ until: isStuck }), Effect.asVoid)
    yield* Effect.raceFirst(ended, stuck)
    yield* Effect.forkDetach(Fiber.interrupt(fiber))
    return yield* Effect.fail(new Error(`PostgreSQL did not answer within ${lifetimeMs} ms`))
  })

  yield* liveUnlessStuck.pipe(
    Effect.tapError((error) => Effect.logWarning("the session of this replica is lost", { problem: error.message })),
    Effect.retry(reconnect),
    Effect.forkScoped
  )
  yield* Effect.sleep(heartbeatMs / 2).pipe(
    Effect.andThen(Effect.suspend(() => (isOverdue() ? see([]) : Effect.void))),
    Effect.forever,
    Effect.forkScoped
  )
  // Before its session closes, so that the others hear of it at once.
  yield* Effect.addFinalizer(() =>
    Effect.suspend(() => {
      isLeaving = true
      return session === undefined ? Effect.void : session.leave
    }).pipe(Effect.timeout(LEAVE_TIMEOUT), Effect.ignore)
  )
  yield* health.register(
    "membership",
    Effect.map(SubscriptionRef.get(view), ({ members }) =>
      members.length > 0 ? undefined : "this replica is not among the members, and runs no tenant"
    )
  )
  return Membership.of({
    self: self.id,
    view: SubscriptionRef.get(view),
    views: SubscriptionRef.changes(view),
    notices: PubSub.subscribe(notices),
    isOwner: ({ members }, name) => ownerOf(name, members) === self.id
  })
})
