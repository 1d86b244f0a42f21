/**
 * Runs the checks. Each has two fibers: one looks and decides what to report, one publishes the reports in order. While
 * NATS is away reports wait; then heartbeats are left out, and when a thousand changes wait, the check itself waits.
 */
import { randomUUID } from "node:crypto"
import { EventPublisher } from "@bulkhead/nats"
import { withTenant } from "@bulkhead/tenancy"
import { Clock, Effect, Queue, Random, Schedule } from "effect"
import type { Check } from "./Check.ts"
import { type HealthReport, initialHealth, observe } from "./HealthState.ts"
import { HEALTH_SUBJECT, healthEvent } from "./healthEvent.ts"
import { PollerConfig } from "./PollerConfig.ts"
import { PollerMetrics } from "./PollerMetrics.ts"
import { probe } from "./probe.ts"

/** Changes of one check that may wait for NATS. */
const REPORTS_WAITING_MAX = 1_000
const JITTER = 0.1
/** The publisher has tried for its whole deadline by then; the pause is for failures that come at once. */
const PAUSE_BEFORE_NEXT_TRY = Schedule.spaced("1 second")

interface Report {
  readonly report: HealthReport
  readonly at: Date
}

const encoder = new TextEncoder()

const lookForEver = Effect.fnUntraced(function* (check: Check, reports: Queue.Queue<Report>) {
  const metrics = yield* PollerMetrics
  let state = initialHealth
  while (true) {
    const seen = yield* probe(check)
    metrics.observed(check, seen)
    const nowMs = yield* Clock.currentTimeMillis
    const [next, report] = observe(state, check, seen, nowMs)
    state = next
    if (report !== undefined) {
      const isBehind = (yield* Queue.size(reports)) > 0
      if (report.kind === "heartbeat" && isBehind) metrics.dropped(check, "heartbeat_while_waiting")
      else yield* Queue.offer(reports, { report, at: new Date(nowMs) })
    }
    yield* Effect.sleep(check.intervalMs * (1 + JITTER * ((yield* Random.next) - 0.5)))
  }
})

/** Publishes one report, for as long as it takes; what the server will never take is given up, with a line in the log. */
const publishReport = Effect.fn("Poller.publishReport")(function* (check: Check, { report, at }: Report) {
  const publisher = yield* EventPublisher
  const metrics = yield* PollerMetrics
  const config = yield* PollerConfig
  const id = randomUUID()
  const data = encoder.encode(JSON.stringify(healthEvent(check, report, config, id, at)))
  yield* publisher.publish(HEALTH_SUBJECT, data, { messageId: id }).pipe(
    Effect.tapError((error) =>
      error.isRetryable
        ? Effect.logWarning("a health event waits", { check: check.name, problem: error.message })
        : Effect.void
    ),
    Effect.retry({ while: (error) => error.isRetryable, schedule: PAUSE_BEFORE_NEXT_TRY }),
    Effect.matchEffect({
      onSuccess: () => Effect.sync(() => metrics.published(check)),
      onFailure: (error) =>
        Effect.andThen(
          Effect.sync(() => metrics.dropped(check, "refused")),
          Effect.logError("a health event is given up", { check: check.name, problem: error.message })
        )
    })
  )
})

/** Runs one check for its tenant until interrupted. */
export const runCheck = Effect.fnUntraced(
  function* (check: Check) {
    const reports = yield* Queue.bounded<Report>(REPORTS_WAITING_MAX)
    const publishing = Effect.forever(
      Effect.flatMap(Queue.peek(reports), (report) => Effect.andThen(publishReport(check, report), Queue.take(reports)))
    )
    return yield* Effect.raceFirst(lookForEver(check, reports), publishing)
  },
  (effect, check) => withTenant({ slug: check.tenant })(effect)
)
