/**
 * A lane of its own for a tenant that does not go along with the others: it reads the tenant's messages from the shared
 * stream, from the tenant's watermark on, until none is left that the others have passed over. Whatever stands in the
 * way, it tries again until it is gone, with growing pauses; the messages wait in the stream.
 */
import { patternsForTenant, type TenantSlug } from "@bulkhead/channels"
import { deleteConsumer, storedUnder } from "@bulkhead/nats"
import { type HoldReason, type LaneCommit, LaneStore, StorageError, TenantStats, TenantStore } from "@bulkhead/storage"
import { withTenant } from "@bulkhead/tenancy"
import { Cause, Effect, Random, Schema } from "effect"
import { findSource } from "./findSource.ts"
import type { LaneProgress } from "./LaneProgress.ts"
import type { Hold, Roster } from "./Roster.ts"
import { runLane } from "./runLane.ts"
import type { SharedLaneOptions } from "./SharedLaneOptions.ts"
import { seatLane } from "./seatLane.ts"

const PAUSE_MS_MIN = 100
const PAUSE_MS_MAX = 10_000
const LOOK_EVERY_MS = 20
/** Then the next held tenant has its turn. */
const TURN_MS = 10_000
/** For a consumer that nobody was left to delete. */
const FORGET_AFTER_MS = 60_000
/** The server is asked what is left less often than we look at what we know ourselves. */
const LOOKS_PER_QUESTION = 10

/** Messages lie under a slug that no tenant has. */
class NobodysMessages extends Schema.TaggedError<NobodysMessages>()("NobodysMessages", {
  tenant: Schema.String,
  messages: Schema.Int
}) {
  override get message(): string {
    return `${this.messages} messages lie under "${this.tenant}", which is no tenant: create it, or purge them`
  }
}

/** Why a tenant is held after such a failure. */
export const holdReasonOf = ({ reason }: StorageError): HoldReason => {
  switch (reason._tag) {
    case "TenantNotProvisioned":
      return "not_provisioned"
    case "DatabaseUnavailable":
      return "slow"
    case "LaneLost":
      return "behind"
    default:
      return "refused"
  }
}

const reasonOf = (error: unknown, before: HoldReason): HoldReason => {
  if (error instanceof NobodysMessages) return "unknown_tenant"
  return error instanceof StorageError ? holdReasonOf(error) : before
}

const idle = (): LaneProgress => ({ rowsWritten: 0, deadLetters: 0, lastCommitAtMs: undefined, lag: undefined })

/** Runs the tenant's lane until nothing is left or its turn is over; gives the last sequence up to which nothing is. */
const runUntilEnd = Effect.fnUntraced(function* (options: SharedLaneOptions, hold: Hold, durable: string) {
  const { tenant } = hold
  const present = yield* (yield* TenantStats).lanes(tenant)
  const source = yield* findSource(options)
  const progress = idle()
  let through = 0
  const onCommit = (written: LaneCommit, to: number) => {
    through = to
    return options.onCommit(tenant, written)
  }
  const store = yield* LaneStore
  const lane = runLane({
    tenant,
    source,
    durable,
    forgetAfterMs: FORGET_AFTER_MS,
    filterSubjects: options.patterns.flatMap((pattern) => patternsForTenant(tenant, pattern, source.mode)),
    decode: options.decode,
    limits: options.limits,
    present,
    progress,
    onCommit
    // It may be held because its commits hang.
  }).pipe(Effect.provideService(LaneStore, LaneStore.of({ ...store, commit: store.commitApart })))
  const end = Effect.gen(function* () {
    for (let look = 1; hold.passedThrough > through && look * LOOK_EVERY_MS < TURN_MS; look += 1) {
      yield* Effect.sleep(LOOK_EVERY_MS)
      if (look % LOOKS_PER_QUESTION > 0 || progress.lag === undefined) continue
      // What was passed over may have expired, or another writer was there before.
      const { passedThrough } = hold
      const { messages } = yield* progress.lag
      if (messages === 0) through = Math.max(through, passedThrough)
    }
  })
  yield* Effect.raceFirst(lane, end)
  return through
}, Effect.scoped)

/** One try; true when the tenant goes along again, or is gone. */
const tryOnce = Effect.fnUntraced(function* (options: SharedLaneOptions, roster: Roster, hold: Hold) {
  const { tenant } = hold
  const known = yield* (yield* TenantStore)
    .get(tenant)
    .pipe(Effect.catchReason("StorageError", "TenantUnknown", () => Effect.undefined))
  if (known === undefined) {
    let messages = 0
    for (const pattern of options.patterns) messages += yield* storedUnder(options.stream, `${tenant}.${pattern}`)
    if (messages > 0) return yield* new NobodysMessages({ tenant, messages })
    roster.forget(tenant)
    return true
  }
  const durable = `${options.durable}-${tenant}`
  const through = yield* runUntilEnd(options, hold, durable).pipe(
    Effect.ensuring(Effect.ignore(deleteConsumer(options.stream, durable)))
  )
  const present = yield* (yield* TenantStats).lanes(tenant)
  const seat = yield* seatLane(tenant, yield* findSource(options), present)
  return roster.admit({ tenant, ...seat }, through)
})

/** Runs until the tenant goes along again, or is gone with all its messages. Never fails. */
export const catchUp = (options: SharedLaneOptions, roster: Roster, hold: Hold) =>
  Effect.gen(function* () {
    for (let failures = 0; ; ) {
      const exit = yield* Effect.exit(options.turns.withPermit(tryOnce(options, roster, hold)))
      if (exit._tag === "Success") {
        if (!exit.value) continue
        if (roster.seatOf(hold.tenant) !== undefined) yield* Effect.logInfo("goes along with the other tenants again")
        return
      }
      if (Cause.hasInterruptsOnly(exit.cause)) return yield* Effect.interrupt
      const error = Cause.squash(exit.cause)
      const problem = error instanceof Error ? error.message : String(error)
      roster.explain(hold, reasonOf(error, hold.reason), problem)
      failures += 1
      const pauseMs = Math.min(PAUSE_MS_MAX, PAUSE_MS_MIN * 2 ** (failures - 1)) * (0.5 + (yield* Random.next) / 2)
      const details = { reason: hold.reason, problem, pauseMs: Math.round(pauseMs) }
      if (Cause.hasDies(exit.cause))
        yield* Effect.logError("a held tenant's lane failed by a defect", details, exit.cause)
      else yield* Effect.logWarning("a held tenant waits", details)
      yield* Effect.sleep(pauseMs)
    }
  }).pipe(withTenant({ slug: hold.tenant as TenantSlug }))
