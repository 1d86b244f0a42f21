/**
 * One tenant's flows, from a stream into its tables: a lane of the engine that all writers share, with a name and so a
 * watermark of its own beside that of the records in the same stream.
 */
import { patternsForTenant, type TenantSlug } from "@bulkhead/channels"
import { FlowDecoder } from "@bulkhead/flows"
import { consumerName, findStream, READERS } from "@bulkhead/nats"
import { type LaneProgress, LaneScheduler, type LaneSource, runLane } from "@bulkhead/pipeline"
import { type LaneCommit, TenantStats } from "@bulkhead/storage"
import { Effect } from "effect"
import { NetflowConfig } from "./NetflowConfig.ts"
import { NetflowMetrics } from "./NetflowMetrics.ts"

/** A tenant, and a stream that has messages of it. */
export interface FlowLane {
  readonly tenant: TenantSlug
  readonly stream: string
  /** Kept up to date while it runs. */
  readonly progress: LaneProgress
}

const READER = READERS.netflowConsumer

/** Runs the lane until it fails or is interrupted; ends where the stream is gone. */
export const runFlowLane = Effect.fnUntraced(function* ({ tenant, stream, progress }: FlowLane) {
  const config = yield* NetflowConfig
  const metrics = yield* NetflowMetrics
  // In this order: see seatLane.
  const present = yield* (yield* TenantStats).lanes(tenant)
  const found = yield* findStream(stream)
  // Whoever looks for lanes next begins this one again, should the stream be made anew.
  if (found === undefined) return
  const { createdAt, lastSequence } = found
  const source: LaneSource = { stream, createdAt, lastSequence, reader: READER.name, mode: "both" }
  const onCommit = Effect.fnUntraced(function* (written: LaneCommit) {
    metrics.committed(tenant, written)
    for (const { sequence, subject, reason, detail } of written.deadLetters) {
      yield* Effect.logWarning("dead letter", { sequence, subject, reason, detail })
    }
  })
  return yield* runLane({
    tenant,
    source,
    durable: consumerName(READER, stream, tenant),
    // What the stream took is written, with a prefix and without: the mode decides what it takes.
    filterSubjects: READER.patterns.flatMap((pattern) => patternsForTenant(tenant, pattern, source.mode)),
    decode: yield* FlowDecoder,
    limits: { rowsMax: config.batchMessagesMax, bytesMax: config.batchBytesMax, ageMs: config.batchAgeMs },
    turns: (yield* LaneScheduler).lane({ tenant, weight: 1 }),
    present,
    progress,
    onCommit
  })
}, Effect.scoped)
