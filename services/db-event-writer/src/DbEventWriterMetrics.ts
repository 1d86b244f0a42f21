/**
 * The figures of db-event-writer for Prometheus. Rows and dead letters have the names that core's have: a sum over both
 * is right, since each message is written once. `tenant` is the one label that grows, with the number of tenants.
 */
import type { ConsumerLag } from "@bulkhead/nats"
import { Metrics } from "@bulkhead/observability"
import { initialSharedProgress, type SharedLaneProgress } from "@bulkhead/pipeline"
import { HOLD_REASONS, type LaneCommit } from "@bulkhead/storage"
import { Context, Effect, Layer } from "effect"
import { Counter, Gauge } from "prom-client"

const LAG_QUESTION_TIMEOUT = "1 second"

export class DbEventWriterMetrics extends Context.Service<
  DbEventWriterMetrics,
  {
    /** What the lane says of itself, shown by the gauges. */
    readonly progress: SharedLaneProgress
    /** Counts what one tenant's part of a batch wrote. */
    readonly committed: (tenant: string, written: LaneCommit) => void
    /** Counts messages whose subject names no tenant that could exist. */
    readonly nobodys: (messages: number) => void
    /** Counts that the lane was begun again after a failure. */
    readonly restarted: () => void
  }
>()("@bulkhead/db-event-writer/DbEventWriterMetrics") {
  static readonly layer = Layer.effect(
    DbEventWriterMetrics,
    Effect.suspend(() => make)
  )
}

const make = Effect.gen(function* () {
  const { registry, tenantLabel } = yield* Metrics
  const registers = [registry]
  const progress = initialSharedProgress()
  const counter = (name: string, help: string, labelNames: ReadonlyArray<string> = []) =>
    new Counter({ name, help, labelNames: [...labelNames], registers })

  const rows = counter("bulkhead_lane_rows_total", "Rows written into tenants' tables", ["tenant"])
  const deadLetters = counter("bulkhead_lane_dead_letters_total", "Messages that could never be stored, by reason", [
    "tenant",
    "reason"
  ])
  const commits = counter("bulkhead_shared_lane_commits_total", "Transactions, each of one tenant's part of a batch")
  const nobodys = counter(
    "bulkhead_shared_lane_nobodys_total",
    "Messages whose subject names no tenant that could exist"
  )
  const restarts = counter("bulkhead_shared_lane_restarts_total", "Times the lane was begun again after a failure")

  new Gauge({
    name: "bulkhead_shared_lane_held_tenants",
    help: "Tenants that do not go along with the others, by reason",
    labelNames: ["reason"],
    registers,
    collect() {
      for (const reason of HOLD_REASONS) {
        this.set({ reason }, progress.held.filter((held) => held.reason === reason).length)
      }
    }
  })
  new Gauge({
    name: "bulkhead_shared_lane_running",
    help: "1 while this process writes the lane; 0 while it starts, fails or stands by",
    registers,
    collect() {
      this.set(progress.phase === "running" ? 1 : 0)
    }
  })
  new Gauge({
    name: "bulkhead_shared_lane_watermark",
    help: "Sequence up to which every message is written or waits for a tenant that is held back",
    registers,
    collect() {
      this.set(progress.watermark)
    }
  })
  /** Both gauges of a scrape show one answer, whichever of them asks first. */
  let asked: Promise<ConsumerLag | undefined> | undefined
  const askLag = () => {
    asked ??= Effect.runPromise(
      (progress.lag ?? Effect.undefined).pipe(
        Effect.timeout(LAG_QUESTION_TIMEOUT),
        Effect.orElseSucceed(() => undefined)
      )
    ).finally(() => {
      asked = undefined
    })
    return asked
  }
  const lagGauge = (name: string, help: string, figureOf: (lag: ConsumerLag) => number) =>
    new Gauge({
      name,
      help,
      registers,
      async collect() {
        const lag = await askLag()
        // Unknown is not zero.
        if (lag === undefined) this.reset()
        else this.set(figureOf(lag))
      }
    })
  lagGauge(
    "bulkhead_shared_lane_lag_seconds",
    "Age of the oldest message that arrived here and is not written; 0 where there is none",
    ({ oldestAgeMs = 0 }) => oldestAgeMs / 1_000
  )
  lagGauge(
    "bulkhead_shared_lane_lag_messages",
    "Messages of the stream that this lane has not passed yet",
    ({ messages }) => messages
  )

  return DbEventWriterMetrics.of({
    progress,
    committed: (slug, written) => {
      const tenant = tenantLabel(slug)
      commits.inc()
      rows.inc({ tenant }, written.rows)
      for (const { reason } of written.deadLetters) deadLetters.inc({ tenant, reason })
    },
    nobodys: (messages) => nobodys.inc(messages),
    restarted: () => restarts.inc()
  })
})
