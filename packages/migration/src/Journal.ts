/**
 * Where a migration stands, kept in a bucket of the same server. One process at a time works on it: each write names its
 * holder and is refused when anybody else has written since, and a holder that has not written for a while is taken to be
 * dead. No clocks are compared: whoever wants to take over watches whether the entry still changes.
 */
import { sortFailure } from "@bulkhead/nats"
import { type KV, Kvm } from "@nats-io/kv"
import { Clock, Effect, Fiber, Schedule, Schema, type Scope, Semaphore } from "effect"
import { JetStreamAdmin } from "./internal/JetStreamAdmin.ts"
import { MigrationBusy, MigrationError, WrongState } from "./MigrationError.ts"
import { MigrationPlan } from "./MigrationPlan.ts"

export const JOURNAL_BUCKET = "bulkhead-migrations"
/** The entry of the migration that is under way; ended ones are kept under their ids. */
const ACTIVE = "active"

/** What a step found out and needs again. */
export const Facts = Schema.Record(Schema.String, Schema.Union([Schema.Number, Schema.String]))
export type Facts = typeof Facts.Type

export const StepState = Schema.Struct({
  state: Schema.Literals(["started", "done", "reverting", "reverted"]),
  facts: Facts
})
export type StepState = typeof StepState.Type

export const JournalEntry = Schema.Struct({
  plan: MigrationPlan,
  /** `back` from the first moment of a rollback on: then only back. */
  direction: Schema.Literals(["forward", "back"]),
  steps: Schema.Record(Schema.String, StepState),
  /** What concerns no single step. */
  facts: Facts,
  holder: Schema.String,
  /** Changes with each sign of life. */
  beat: Schema.Int
})
export type JournalEntry = typeof JournalEntry.Type

const encode = Schema.encodeSync(Schema.fromJsonString(JournalEntry))
const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(JournalEntry))

/** Who takes a journal. */
export interface Holder {
  /** For people: who, where, which process. */
  readonly name: string
  /** How far its signs of life are apart, milliseconds; the same for all who may hold it. Default 2000. */
  readonly beatMs?: number
}

const BEAT_MS = 2_000
/** So many beats that are missed, and the holder is dead. */
const BEATS_MISSED_MAX = 4
const LOOKS_PER_BEAT = 4

const RIGHTS = `STREAM.CREATE, STREAM.INFO and STREAM.MSG.GET of KV_${JOURNAL_BUCKET}, and to publish to $KV.${JOURNAL_BUCKET}.>`

const failed = (reason: MigrationError["reason"]) => new MigrationError({ operation: "Journal", reason })

interface Stored {
  readonly entry: JournalEntry
  readonly revision: number
}

const onBucket = <A>(run: (bucket: KV) => Promise<A>) =>
  Effect.flatMap(JetStreamAdmin, (admin) =>
    admin.ask({
      what: `the journal "${JOURNAL_BUCKET}"`,
      rights: RIGHTS,
      ask: async ({ client }) => run(await new Kvm(client).create(JOURNAL_BUCKET, { history: 5 }))
    })
  )

const isThere = Effect.flatMap(JetStreamAdmin, (admin) =>
  admin.ask({
    what: `the journal "${JOURNAL_BUCKET}"`,
    rights: `STREAM.INFO.KV_${JOURNAL_BUCKET}`,
    ask: ({ manager }) =>
      manager.streams.info(`KV_${JOURNAL_BUCKET}`).then(
        () => true,
        (error: unknown) => {
          if (sortFailure(error).kind === "stream_missing") return false
          throw error
        }
      )
  })
)

/** Makes nothing: whoever only looks leaves no bucket behind. */
const read = Effect.fnUntraced(function* () {
  if (!(yield* isThere)) return undefined
  const found = yield* onBucket((bucket) => bucket.get(ACTIVE))
  if (found === null || found.operation !== "PUT") return undefined
  const entry = yield* decode(found.string()).pipe(
    Effect.mapError(() =>
      failed(
        new WrongState({
          problem: "the journal was written by another version of this tool",
          nextStep: "go on with that version"
        })
      )
    )
  )
  const stored: Stored = { entry, revision: found.revision }
  return stored
})

/** The migration under way, as it stands; undefined where there is none. */
export const readJournal: Effect.Effect<JournalEntry | undefined, MigrationError, JetStreamAdmin> = Effect.map(
  read(),
  (stored) => stored?.entry
)

/** A journal that this process holds. */
export interface Journal {
  readonly entry: Effect.Effect<JournalEntry>
  /** Writes a change. Fails with `MigrationBusy` once another process has taken over. */
  readonly update: (change: (entry: JournalEntry) => JournalEntry) => Effect.Effect<void, MigrationError>
  /** Puts the entry away under its id: no migration is under way any more. */
  readonly close: Effect.Effect<void, MigrationError>
}

/** The new revision; undefined when somebody else wrote in between, or made the entry first. */
const write = ({ entry, revision }: Stored) =>
  onBucket(async (bucket): Promise<number | undefined> => {
    const text = encode(entry)
    try {
      return await (revision === 0 ? bucket.create(ACTIVE, text) : bucket.update(ACTIVE, text, revision))
    } catch (error) {
      // The first try may have been stored although its answer was lost.
      const present = await bucket.get(ACTIVE)
      if (present === null || present.revision === revision) throw error
      return present.operation === "PUT" && present.string() === text ? present.revision : undefined
    }
  })

/** The last write of a process that was killed may still be on its way; the next one shows that it lives. */
const WRITES_OF_THE_DEAD_MAX = 1

/** Waits until the holder is dead; fails when it is not. */
const awaitDeath = Effect.fnUntraced(function* (seen: Stored, beatMs: number) {
  let last = seen
  let writes = 0
  let since = yield* Clock.currentTimeMillis
  while ((yield* Clock.currentTimeMillis) - since < BEATS_MISSED_MAX * beatMs) {
    yield* Effect.sleep(beatMs / LOOKS_PER_BEAT)
    const now = yield* read()
    if (now === undefined || now.entry.holder === "") return
    if (now.revision === last.revision) continue
    writes += 1
    if (writes > WRITES_OF_THE_DEAD_MAX) return yield* failed(new MigrationBusy({ holder: now.entry.holder }))
    last = now
    since = yield* Clock.currentTimeMillis
  }
})

const hold = Effect.fnUntraced(function* (first: Stored, { name, beatMs = BEAT_MS }: Holder) {
  const context = yield* Effect.context<JetStreamAdmin>()
  const turn = yield* Semaphore.make(1)
  let current = first
  let lost: MigrationError | undefined
  const update = (change: (entry: JournalEntry) => JournalEntry) =>
    Effect.gen(function* () {
      if (lost !== undefined) return yield* lost
      const entry = { ...change(current.entry), beat: current.entry.beat + 1 }
      const revision = yield* write({ entry, revision: current.revision })
      if (revision === undefined) {
        const now = yield* read()
        lost = failed(new MigrationBusy({ holder: now?.entry.holder ?? "nobody" }))
        return yield* lost
      }
      current = { entry, revision }
    }).pipe(turn.withPermit, Effect.provideContext(context))
  const beating = yield* update((entry) => entry).pipe(
    Effect.repeat(Schedule.spaced(beatMs)),
    // The next write says it to the caller.
    Effect.ignore,
    Effect.forkScoped
  )
  yield* Effect.addFinalizer(() =>
    Effect.andThen(Fiber.interrupt(beating), Effect.ignore(update((entry) => ({ ...entry, holder: "" }))))
  )
  const journal: Journal = {
    entry: Effect.sync(() => current.entry),
    update,
    close: Effect.gen(function* () {
      yield* Fiber.interrupt(beating)
      const text = encode({ ...current.entry, holder: "" })
      yield* onBucket((bucket) => bucket.put(current.entry.plan.id, text))
      yield* onBucket((bucket) => bucket.delete(ACTIVE))
      lost = failed(new MigrationBusy({ holder: name }))
    }).pipe(Effect.provideContext(context))
  }
  return journal
})

/** Takes the journal of the migration under way, until the scope closes; undefined where there is none. */
export const openJournal: (
  holder: Holder
) => Effect.Effect<Journal | undefined, MigrationError, JetStreamAdmin | Scope.Scope> = Effect.fn("openJournal")(
  function* (holder) {
    const seen = yield* read()
    if (seen === undefined) return undefined
    if (seen.entry.holder !== "") yield* awaitDeath(seen, holder.beatMs ?? BEAT_MS)
    const now = yield* read()
    if (now === undefined) return undefined
    const entry = { ...now.entry, holder: holder.name, beat: now.entry.beat + 1 }
    const revision = yield* write({ entry, revision: now.revision })
    if (revision === undefined) return yield* failed(new MigrationBusy({ holder: "another process" }))
    return yield* hold({ entry, revision }, holder)
  }
)

/** Begins a migration: fails with `WrongState` where one is under way. */
export const beginJournal: (
  plan: MigrationPlan,
  holder: Holder
) => Effect.Effect<Journal, MigrationError, JetStreamAdmin | Scope.Scope> = Effect.fn("beginJournal")(
  function* (plan, holder) {
    const entry: JournalEntry = { plan, direction: "forward", steps: {}, facts: {}, holder: holder.name, beat: 0 }
    const revision = yield* write({ entry, revision: 0 })
    if (revision === undefined) {
      return yield* failed(
        new WrongState({
          problem: "a migration is under way already",
          nextStep: 'look at it with "status", go on with "run", or go back with "rollback"'
        })
      )
    }
    return yield* hold({ entry, revision }, holder)
  }
)
