/**
 * The turning point of a rollback: the new streams take and copy nothing more, their readers finish what is in them, and
 * what none of them has read goes back into the old streams. Afterwards each old consumer has one place at which it goes
 * on: every message before it was read in the old or in the new place, and none behind it was.
 *
 * 1. Readers stand still, and the new streams take nothing more from publishers. The old ones learn the ids of what was
 *    published there: whoever repeats it from now on, without its prefix, is recognised.
 * 2. All copies catch up, and the new streams are cut off. Where they were cut off at different places, what lies behind
 *    the first of these is taken out of the others again: the old stream has it.
 * 3. Readers go on to the end. One that does not get there is held still where it is.
 * 4. What was published into a new stream itself and no reader has read goes back, but for what the old stream has.
 */

import { subjectMatches } from "@bulkhead/channels"
import { ORIGIN_HEADER } from "@bulkhead/nats"
import { Clock, Effect } from "effect"
import type { Facts } from "../Journal.ts"
import { MigrationError, OperatorNeeded } from "../MigrationError.ts"
import {
  closedSubject,
  type MigrationPlan,
  type PlannedConsumer,
  type PlannedTarget,
  type Successor
} from "../MigrationPlan.ts"
import { findConsumer, pause, resume } from "./consumers.ts"
import { awaitCopied, copiedPatterns, copiesOf, lastCopy, placeOf } from "./copies.ts"
import { JetStreamAdmin } from "./JetStreamAdmin.ts"
import { openedAtOf } from "./openedAt.ts"
import { parseOrigin } from "./origin.ts"
import { ID_HEADER, putBack } from "./putBack.ts"
import { readMessages } from "./readMessages.ts"
import { type PublishedId, rememberIds } from "./rememberIds.ts"
import { reachedIn, repeatsOf } from "./repeats.ts"
import { factNames, numberIn } from "./rollbackFacts.ts"
import type { StepRun } from "./StepRun.ts"
import { serverFeatures } from "./serverFeatures.ts"
import { findStreamInfo, nextUnder, streamInfo, updateStream } from "./streamState.ts"
import { superseded } from "./superseded.ts"
import { noteWritten } from "./writers.ts"

/** The fact that says that new streams may have been cut off. */
const CUTTING = "cutting"

/** The fact that says that readers of the new streams have come as far as they are to come. */
const FINISHED = "finished"

/** The fact that says that all is back, and which subjects no old stream takes. */
const TURNED = "turned"

const movedConsumers = ({ consumers }: MigrationPlan): ReadonlyArray<PlannedConsumer> =>
  consumers.filter(({ fate }) => fate === "move")

/** Successors that exist. */
const successorsOf = Effect.fnUntraced(function* (plan: MigrationPlan) {
  const present: Array<Successor> = []
  for (const successor of movedConsumers(plan).flatMap(({ successors }) => successors)) {
    if ((yield* findConsumer(successor.stream, successor.durable)) !== undefined) present.push(successor)
  }
  return present
})

/** What publishers sent into the new streams themselves. */
const publishedIds = Effect.fnUntraced(function* (run: StepRun, targets: ReadonlyArray<PlannedTarget>) {
  const ids: Array<PublishedId> = []
  for (const { stream, tenant } of targets) {
    const openedAt = yield* openedAtOf(run, stream)
    if (openedAt === undefined) continue
    const range = { fromSequence: openedAt + 1, toSequence: (yield* streamInfo(stream)).state.last_seq }
    yield* readMessages({ stream, headersOnly: true, ...range }, ({ subject, headers, timestampNanos }) => {
      const id = headers?.get(ID_HEADER) ?? ""
      if (id === "" || headers?.has(ORIGIN_HEADER)) return
      ids.push({ id, subject: subject.slice(tenant.length + 1), atMs: Number(timestampNanos / 1_000_000n) })
    })
  }
  return ids
})

/** From here on no message comes into a new stream but as a copy, and none into an old one that a new one has by its id. */
const closeToPublishers = Effect.fnUntraced(function* (run: StepRun, targets: ReadonlyArray<PlannedTarget>) {
  for (const { stream } of targets) yield* updateStream(stream, { subjects: [closedSubject(stream)] })
  yield* rememberIds(run.plan, yield* publishedIds(run, targets))
})

const awaitCopies = Effect.fnUntraced(function* (run: StepRun, targets: ReadonlyArray<PlannedTarget>) {
  for (const target of targets) {
    const openedAt = yield* openedAtOf(run, target.stream)
    for (const copy of target.copies) yield* awaitCopied(target, copy, openedAt, run.tell)
  }
})

const cutOff = Effect.fnUntraced(function* (run: StepRun, { stream }: PlannedTarget) {
  yield* updateStream(stream, { subjects: [closedSubject(stream)], sources: [] })
  const { state } = yield* streamInfo(stream)
  yield* run.note({ [factNames.end(stream)]: state.last_seq })
})

/** Where an old stream was cut off: up to here everything is copied, in every new stream. */
const copiedThrough = Effect.fnUntraced(function* (run: StepRun, source: string) {
  const facts = yield* run.facts
  let through = (yield* streamInfo(source)).state.last_seq
  for (const { target, copy } of copiesOf(run.plan, source)) {
    const openedAt = yield* openedAtOf(run, target.stream)
    const end = numberIn(facts, factNames.end(target.stream)) ?? 0
    const last = yield* lastCopy(target, copy, openedAt, end)
    const range = { fromSequence: last.origin + 1, toSequence: through }
    const { found } = yield* superseded(target, copy, openedAt, range)
    let next = yield* nextUnder(source, copy.patterns, last.origin + 1)
    while (next !== undefined && found.has(next.sequence)) {
      next = yield* nextUnder(source, copy.patterns, next.sequence + 1)
    }
    if (next !== undefined) through = Math.min(through, next.sequence - 1)
  }
  return through
})

/** Takes copies out again that lie behind the place where all were cut off. */
const trim = Effect.fnUntraced(function* (run: StepRun, source: string, through: number) {
  const admin = yield* JetStreamAdmin
  const facts = yield* run.facts
  for (const { target, copy } of copiesOf(run.plan, source)) {
    const { stream } = target
    const end = numberIn(facts, factNames.end(stream)) ?? 0
    const openedAt = yield* openedAtOf(run, stream)
    const place = yield* placeOf(target, copy, through, Math.min(openedAt ?? end, end))
    const surplus: Array<number> = []
    const range = { fromSequence: place.sequence + 1, toSequence: end }
    const filterSubjects = copiedPatterns(target, copy)
    yield* readMessages({ stream, filterSubjects, headersOnly: true, ...range }, (message) => {
      const origin = parseOrigin(message.headers?.get(ORIGIN_HEADER))
      if (origin?.stream === source && origin.sequence > through) surplus.push(message.seq)
    })
    for (const sequence of surplus) {
      yield* admin.ask({
        what: `message ${sequence} of stream "${stream}"`,
        rights: `STREAM.MSG.DELETE.${stream}`,
        ask: ({ manager }) => manager.streams.deleteMessage(stream, sequence, false).catch(() => false)
      })
    }
  }
})

const LOOK_EVERY_MS = 100

/** Waits until a reader has finished or comes no further; gives how far it came, and what is left. */
const finish = Effect.fnUntraced(function* ({ plan, tell }: StepRun, { stream, durable }: Successor) {
  const { pause: canPause } = serverFeatures(plan.serverVersion)
  let least = Number.POSITIVE_INFINITY
  let movedAt = yield* Clock.currentTimeMillis
  while (true) {
    const info = yield* findConsumer(stream, durable)
    const left = info === undefined ? 0 : info.num_pending + info.num_ack_pending
    const now = yield* Clock.currentTimeMillis
    if (left < least) {
      least = left
      movedAt = now
    }
    tell(info?.delivered.stream_seq ?? 0, (info?.delivered.stream_seq ?? 0) + left)
    if (info === undefined || left === 0 || now - movedAt > plan.drainMs) {
      if (canPause && info !== undefined) yield* pause(stream, durable)
      return {
        left,
        delivered: info?.delivered.stream_seq ?? 0,
        unacknowledged: info?.num_ack_pending ?? 0,
        floor: info?.ack_floor.stream_seq ?? 0
      }
    }
    yield* Effect.sleep(LOOK_EVERY_MS)
  }
})

const stopped = (problem: string, nextStep: string) =>
  new MigrationError({ operation: "rollback", reason: new OperatorNeeded({ step: "rollback", problem, nextStep }) })

const finishAll = Effect.fnUntraced(function* (run: StepRun, successors: ReadonlyArray<Successor>) {
  const noted = yield* run.facts
  // One that came no further has another chance each time.
  const unfinished = successors.filter(
    (successor) => noted[factNames.reached(successor)] !== noted[factNames.end(successor.stream)]
  )
  if (serverFeatures(run.plan.serverVersion).pause) {
    for (const { stream, durable } of unfinished) yield* resume(stream, durable)
  }
  for (const successor of unfinished) {
    const name = factNames.reached(successor)
    const { left, delivered, unacknowledged, floor } = yield* finish(run, successor)
    if (unacknowledged > 0 && !run.acceptRedelivery) {
      return yield* stopped(
        `the reader of "${successor.stream}/${successor.durable}" holds ${unacknowledged} messages that it does not acknowledge`,
        'See that it runs, or accept with "--accept-redelivery" that it gets them again'
      )
    }
    const end = numberIn(yield* run.facts, factNames.end(successor.stream)) ?? 0
    yield* run.note({ [name]: left === 0 ? end : unacknowledged > 0 ? floor : delivered })
  }
})

const reads = ({ filterSubjects }: Successor, subject: string): boolean =>
  filterSubjects.length === 0 || filterSubjects.some((filter) => subjectMatches(filter, subject))

/** What was published into a new stream and is in no old one, by who has read it. */
interface Published {
  readonly target: PlannedTarget
  readonly unread: ReadonlySet<number>
  /** Read by some of those who were to read it. */
  readonly inPart: ReadonlySet<number>
  readonly fromSequence: number
  readonly toSequence: number
}

const sortPublished = Effect.fnUntraced(function* (
  run: StepRun,
  target: PlannedTarget,
  successors: ReadonlyArray<Successor>
) {
  const facts = yield* run.facts
  const openedAt = yield* openedAtOf(run, target.stream)
  const end = numberIn(facts, factNames.end(target.stream)) ?? 0
  const readers = successors
    .filter(({ stream }) => stream === target.stream)
    .map((successor) => ({ successor, reached: numberIn(facts, factNames.reached(successor)) ?? 0 }))
  const unread = new Set<number>()
  const inPart = new Set<number>()
  const inOld = new Set<number>()
  for (const copy of target.copies)
    for (const repeat of (yield* repeatsOf(run, target, copy)).values()) inOld.add(repeat)
  const range = { fromSequence: (openedAt ?? end) + 1, toSequence: end }
  const published: Published = { target, unread, inPart, ...range }
  yield* readMessages({ stream: target.stream, headersOnly: true, ...range }, (message) => {
    if (message.headers?.has(ORIGIN_HEADER) || inOld.has(message.seq)) return
    const concerned = readers.filter(({ successor }) => reads(successor, message.subject))
    const have = concerned.filter(({ reached }) => message.seq <= reached).length
    if (have === 0) return void unread.add(message.seq)
    if (have < concerned.length) inPart.add(message.seq)
  })
  return published
})

/** Messages that were sent both ways, and that a reader has, behind one that it has not. */
const readAhead = Effect.fnUntraced(function* (run: StepRun, successor: Successor) {
  const facts = yield* run.facts
  const reached = numberIn(facts, factNames.reached(successor)) ?? 0
  const target = run.plan.targets.find(({ stream }) => stream === successor.stream)
  if (target === undefined || reached === facts[factNames.end(successor.stream)]) return 0
  let ahead = 0
  for (const copy of target.copies) ahead += (yield* reachedIn(run, target, copy, reached)).ahead.length
  return ahead
})

/** Lets all readers finish, and sorts what was published by who has read it. Nothing is brought back yet. */
const finishReading = Effect.fnUntraced(function* (run: StepRun, successors: ReadonlyArray<Successor>) {
  if ((yield* run.facts)[FINISHED] === undefined) yield* finishAll(run, successors)
  const published: Array<Published> = []
  for (const target of run.plan.targets) published.push(yield* sortPublished(run, target, successors))
  const torn = published.find(({ inPart }) => inPart.size > 0)
  if (torn !== undefined && !run.acceptRedelivery) {
    return yield* stopped(
      `${torn.inPart.size} messages of "${torn.target.stream}" were read by some of its readers and not by others`,
      'See that all its readers run, or accept with "--accept-redelivery" that some get them again'
    )
  }
  for (const successor of run.acceptRedelivery ? [] : successors) {
    const ahead = yield* readAhead(run, successor)
    if (ahead === 0) continue
    return yield* stopped(
      `the reader of "${successor.stream}/${successor.durable}" has ${ahead} messages that were sent both ways, and not what came before them`,
      'See that it runs, or accept with "--accept-redelivery" that it gets them again'
    )
  }
  // From here on no reader may go on at the new place.
  yield* run.note({ [FINISHED]: 1 })
  return published
})

const bringBack = Effect.fnUntraced(function* (run: StepRun, published: ReadonlyArray<Published>) {
  const homeless = new Set<string>()
  const facts = yield* run.facts
  const through = (source: string) => numberIn(facts, factNames.through(source)) ?? 0
  for (const { target, unread, inPart, ...range } of published) {
    const sequences = new Set([...unread, ...inPart])
    for (const one of yield* putBack({ plan: run.plan, target, sequences, through, ...range })) homeless.add(one)
  }
  return homeless
})

/**
 * Safe to repeat, as every step is; what is noted is not looked up again. Gives the subjects that no old stream takes: their
 * messages stay where they are.
 */
export const withdraw = Effect.fnUntraced(function* (run: StepRun) {
  const { plan } = run
  const { [TURNED]: turned } = yield* run.facts
  // Old consumers may be going on already.
  if (turned !== undefined)
    return new Set(
      String(turned)
        .split(" ")
        .filter((subject) => subject !== "")
    )
  const present: Array<PlannedTarget> = []
  for (const target of plan.targets) {
    if ((yield* findStreamInfo(target.stream)) !== undefined) present.push(target)
  }
  const successors = yield* successorsOf(plan)
  const isCut = (facts: Facts) => plan.sources.every(({ stream }) => facts[factNames.through(stream)] !== undefined)
  if (!isCut(yield* run.facts)) {
    if (serverFeatures(plan.serverVersion).pause) {
      for (const { stream, durable } of successors) yield* pause(stream, durable)
    }
    const uncut = (facts: Facts) => present.filter(({ stream }) => facts[factNames.end(stream)] === undefined)
    if ((yield* run.facts)[CUTTING] === undefined) {
      yield* closeToPublishers(run, present)
      yield* awaitCopies(run, present)
      // A stream that was cut off copies nothing more: it must not be waited for by whoever goes on here.
      yield* run.note({ [CUTTING]: 1 })
    }
    for (const target of uncut(yield* run.facts)) yield* cutOff(run, target)
    for (const { stream } of plan.sources) {
      const through = yield* copiedThrough(run, stream)
      yield* trim(run, stream, through)
      yield* run.note({ [factNames.through(stream)]: through })
    }
  }
  const homeless = yield* bringBack(run, yield* finishReading(run, successors))
  yield* noteWritten(run, present)
  yield* run.note({ [TURNED]: [...homeless].join(" ") })
  return homeless
})
