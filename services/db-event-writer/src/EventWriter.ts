/**
 * Writes the records of all tenants, of all kinds but flows: runs the lane that they share, and begins it again from its watermarks after any
 * failure, with pauses that grow.
 */
import { SHARED_STREAM_NAME } from "@bulkhead/channels"
import { READERS, recordPatterns } from "@bulkhead/nats"
import { Health, keepRunning } from "@bulkhead/observability"
import { recordDecoder, runSharedLane } from "@bulkhead/pipeline"
import type { LaneCommit } from "@bulkhead/storage"
import { Effect, Layer, Semaphore } from "effect"
import { DbEventWriterConfig } from "./DbEventWriterConfig.ts"
import { DbEventWriterMetrics } from "./DbEventWriterMetrics.ts"

const SUBJECTS_TOLD_MAX = 3

const onDeadLetters = ({ deadLetters }: LaneCommit) =>
  Effect.forEach(
    deadLetters,
    ({ sequence, subject, reason, detail }) => Effect.logWarning("dead letter", { sequence, subject, reason, detail }),
    { discard: true }
  )

const make = Effect.gen(function* () {
  const config = yield* DbEventWriterConfig
  const metrics = yield* DbEventWriterMetrics
  const { progress } = metrics
  const turns = yield* Semaphore.make(config.heldAtOnce)
  let lastError: string | undefined

  const lane = runSharedLane({
    stream: SHARED_STREAM_NAME,
    patterns: recordPatterns(config.storedLogs),
    durable: READERS.dbEventWriter.name,
    decode: recordDecoder(config.storedLogs),
    limits: { rowsMax: config.batchRowsMax, bytesMax: config.batchBytesMax, ageMs: config.batchAgeMs },
    commitsAtOnce: config.commitsAtOnce,
    slowMs: config.slowMs,
    turns,
    progress,
    onCommit: (tenant, written) => {
      metrics.committed(tenant, written)
      return onDeadLetters(written)
    },
    onNobodys: (subjects) => {
      metrics.nobodys(subjects.length)
      const details = { messages: subjects.length, subjects: subjects.slice(0, SUBJECTS_TOLD_MAX) }
      return Effect.logError("messages whose subject names no tenant stay in the stream", details)
    }
  })

  const supervised = keepRunning({
    what: "the lane",
    work: Effect.scoped(lane).pipe(
      Effect.ensuring(
        Effect.sync(() => {
          progress.phase = "starting"
        })
      )
    ),
    onFailure: (problem) => {
      lastError = problem
      metrics.restarted()
    }
  })

  yield* (yield* Health).register(
    "lane",
    // A process that stands by is ready to take over.
    Effect.sync(() => (progress.phase === "starting" ? (lastError ?? "begins") : undefined))
  )
  yield* Effect.forkScoped(supervised)
})

/** Runs the writer until the scope closes. */
export const EventWriter = Layer.effectDiscard(make)
