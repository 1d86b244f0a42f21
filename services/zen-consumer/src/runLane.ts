/**
 * One tenant's flow through its rules: a batch is read in stream order, decided on, its results are published, and when
 * the stream has acknowledged all of them the position moves on. It repairs nothing: after a failure it begins again
 * where the position stands, and what is published twice has the same message id.
 */
import { patternsForTenant, type TenantSlug } from "@bulkhead/channels"
import { consumerName, openBatchConsumer, READERS, type StreamIncarnation } from "@bulkhead/nats"
import { Clock, Effect } from "effect"
import { decideBatch } from "./decideBatch.ts"
import { Positions } from "./Positions.ts"
import { publishDecided } from "./publishDecided.ts"
import { RuleBook } from "./RuleBook.ts"
import { ZenConfig } from "./ZenConfig.ts"
import { ZenMetrics } from "./ZenMetrics.ts"

/** Runs until it fails or is interrupted. */
export const runLane = Effect.fnUntraced(function* (tenant: TenantSlug, source: StreamIncarnation) {
  const config = yield* ZenConfig
  const metrics = yield* ZenMetrics
  yield* (yield* RuleBook).read
  const position = yield* (yield* Positions).open(tenant, source)
  const consumer = yield* openBatchConsumer({
    stream: source.stream,
    durable: consumerName(READERS.zenConsumer, source.stream, tenant),
    // What the stream took is decided on, with and without prefix, and the result goes where its message was.
    filterSubjects: READERS.zenConsumer.patterns.flatMap((pattern) => patternsForTenant(tenant, pattern, "both")),
    afterSequence: position.sequence,
    rowsMax: config.batchMessagesMax,
    bytesMax: config.batchBytesMax,
    ageMs: config.batchAgeMs
  })
  const lane = `${source.stream}.${tenant}`
  metrics.running.add(lane)
  yield* Effect.addFinalizer(() => Effect.sync(() => void metrics.running.delete(lane)))

  return yield* Effect.gen(function* () {
    const messages = yield* consumer.take
    const startedAt = yield* Clock.currentTimeMillis
    const decided = yield* decideBatch(tenant, messages)
    yield* publishDecided(source.stream, decided)
    const sequence = messages.at(-1)?.sequence ?? position.sequence
    yield* position.move(sequence)
    yield* consumer.ackThrough(sequence)
    const failures = decided.flatMap(({ message, outcome }) =>
      "failure" in outcome ? [{ sequence: message.sequence, subject: message.subject, ...outcome.failure }] : []
    )
    metrics.decided(tenant, {
      processed: decided.length - failures.length,
      failures: failures.map(({ reason }) => reason),
      durationMs: (yield* Clock.currentTimeMillis) - startedAt
    })
    for (const failure of failures) yield* Effect.logWarning("rules failed on a message", failure)
  }).pipe(Effect.forever)
})
