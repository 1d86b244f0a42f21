/**
 * Readers with a watermark of their own that have begun to write from the new streams: core's lanes. What they wrote stays
 * after a rollback, so it is noted for the migration that copies the same messages again.
 */
import { consumerName, READERS, WrittenCopies, writtenCopiesMetadata, writtenCopiesOf } from "@bulkhead/nats"
import { Clock, Effect, Schema } from "effect"
import type { MigrationPlan, PlannedSource, PlannedTarget } from "../MigrationPlan.ts"
import { awaitAcknowledged, findConsumer, pause } from "./consumers.ts"
import { reachedIn } from "./repeats.ts"
import type { StepRun } from "./StepRun.ts"
import { serverFeatures } from "./serverFeatures.ts"
import { findStreamInfo, streamInfo } from "./streamState.ts"

const writerOf = ({ stream, tenant }: PlannedTarget): string => consumerName(READERS.eventWriter, stream, tenant)

const LOOK_EVERY_MS = 100

/** Waits until a writer was given everything up to a sequence, for so long at most. */
const awaitGiven = Effect.fnUntraced(function* (stream: string, writer: string, sequence: number, withinMs: number) {
  const startedAt = yield* Clock.currentTimeMillis
  while ((yield* Clock.currentTimeMillis) - startedAt < withinMs) {
    const info = yield* findConsumer(stream, writer)
    if (info === undefined || info.num_pending === 0 || info.delivered.stream_seq >= sequence) return
    yield* Effect.sleep(LOOK_EVERY_MS)
  }
})

/**
 * Lets writers come to the end of what was published into the new streams, and stand still once they have acknowledged
 * all that they were given: then their places are known to the message. One that does not get there is left where it is;
 * it may have to write a few messages again some day.
 */
export const holdWriters = Effect.fnUntraced(function* ({ plan }: StepRun) {
  if (!serverFeatures(plan.serverVersion).pause) return
  for (const target of plan.targets) {
    const writer = writerOf(target)
    if ((yield* findConsumer(target.stream, writer)) === undefined) continue
    yield* awaitGiven(target.stream, writer, (yield* streamInfo(target.stream)).state.last_seq, plan.drainMs)
    yield* pause(target.stream, writer)
    yield* awaitAcknowledged(target.stream, writer, plan.drainMs)
  }
})

const FACT = "written"
const fromText = Schema.fromJsonString(Schema.Array(WrittenCopies))
const decode = Schema.decodeUnknownSync(fromText)
const encode = Schema.encodeSync(fromText)

/** Notes how far writers have come, in the old streams' own sequences. */
export const noteWritten = Effect.fnUntraced(function* (run: StepRun, targets: ReadonlyArray<PlannedTarget>) {
  const found: Array<WrittenCopies> = []
  for (const target of targets) {
    const { stream } = target
    const info = yield* findStreamInfo(stream)
    const written = (yield* findConsumer(stream, writerOf(target)))?.ack_floor.stream_seq ?? 0
    if (info === undefined || written === 0) continue
    for (const copy of target.copies) {
      const { origin: through, ahead } = yield* reachedIn(run, target, copy, written)
      const returnedThrough = (yield* streamInfo(copy.stream)).state.last_seq
      found.push({ stream, createdAt: info.created, written, source: copy.stream, through, ahead, returnedThrough })
    }
  }
  yield* run.note({ [FACT]: encode(found) })
})

/** What an old stream is to keep of it, beside what it kept of an earlier rollback. */
export const writtenInRollback = Effect.fnUntraced(function* (run: StepRun, { stream, config }: PlannedSource) {
  const { [FACT]: text } = yield* run.rollback
  const noted = typeof text === "string" ? decode(text).filter(({ source }) => source === stream) : []
  return writtenCopiesMetadata([...writtenCopiesOf(metadataIn(config)), ...noted])
})

const metadataIn = ({ metadata }: PlannedSource["config"]) => metadata as Readonly<Record<string, string>> | undefined

/** What a new stream is to have of it, as its old ones kept it. */
export const writtenBefore = ({ sources }: MigrationPlan, { stream, copies }: PlannedTarget) => {
  const from = sources.filter((source) => copies.some((copy) => copy.stream === source.stream))
  const written = from.flatMap(({ config }) => writtenCopiesOf(metadataIn(config)))
  return writtenCopiesMetadata(written.filter((one) => one.stream === stream))
}
