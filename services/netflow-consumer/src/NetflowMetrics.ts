/**
 * The figures of netflow-consumer for Prometheus. Rows, dead letters and lag have the names that core's have: of a tenant's
 * messages each is one of the two services'. `tenant` is the one label that grows, with the number of tenants.
 */
import { Metrics } from "@bulkhead/observability"
import type { LaneProgress } from "@bulkhead/pipeline"
import type { LaneCommit } from "@bulkhead/storage"
import { Context, Effect, Layer } from "effect"
import { Counter, Gauge } from "prom-client"

export class NetflowMetrics extends Context.Service<
  NetflowMetrics,
  {
    /** A lane begins; what it keeps up to date here the gauges show. */
    readonly open: (tenant: string, lane: string) => LaneProgress
    /** The lane is wanted no more. */
    readonly close: (lane: string) => void
    /** Counts what one batch wrote. */
    readonly committed: (tenant: string, written: LaneCommit) => void
    /** Counts that a lane was begun again after a failure. */
    readonly restarted: (tenant: string) => void
  }
>()("@bulkhead/netflow-consumer/NetflowMetrics") {
  static readonly layer = Layer.effect(
    NetflowMetrics,
    Effect.suspend(() => make)
  )
}

interface ShownLane {
  readonly tenant: string
  readonly progress: LaneProgress
}

const make = Effect.gen(function* () {
  const { registry, tenantLabel } = yield* Metrics
  const registers = [registry]
  const lanes = new Map<string, ShownLane>()

  const counter = (name: string, help: string, labelNames: ReadonlyArray<string>) =>
    new Counter({ name, help, labelNames: [...labelNames], registers })
  const rows = counter("bulkhead_lane_rows_total", "Rows written into tenants' tables", ["tenant"])
  const deadLetters = counter("bulkhead_lane_dead_letters_total", "Messages that could never be stored, by reason", [
    "tenant",
    "reason"
  ])
  const restarts = counter("bulkhead_netflow_restarts_total", "Times a lane was begun again after a failure", [
    "tenant"
  ])

  new Gauge({
    name: "bulkhead_netflow_lanes",
    help: "Lanes that this process runs; 0 while it stands by",
    registers,
    collect() {
      this.set(lanes.size)
    }
  })
  /** Unknown is not zero: a lane that does not read has no figure. */
  const lagGauge = (
    name: string,
    help: string,
    figureOf: (lag: { messages: number; oldestAgeMs?: number | undefined }) => number
  ) =>
    new Gauge({
      name,
      help,
      labelNames: ["tenant"],
      registers,
      collect() {
        this.reset()
        for (const { tenant, progress } of lanes.values()) {
          if (progress.lagSeen === undefined) continue
          this.inc({ tenant: tenantLabel(tenant) }, figureOf(Effect.runSync(progress.lagSeen)))
        }
      }
    })
  lagGauge(
    "bulkhead_lane_lag_messages",
    "Messages of the tenant that are not written yet, as its lane sees them",
    ({ messages }) => messages
  )
  lagGauge(
    "bulkhead_lane_lag_seconds",
    "Age of the oldest message that has arrived here and is not written; 0 where there is none",
    ({ oldestAgeMs = 0 }) => oldestAgeMs / 1_000
  )

  return NetflowMetrics.of({
    open: (tenant, lane) => {
      const progress: LaneProgress = { rowsWritten: 0, deadLetters: 0, lastCommitAtMs: undefined, lag: undefined }
      lanes.set(lane, { tenant, progress })
      return progress
    },
    close: (lane) => void lanes.delete(lane),
    committed: (slug, written) => {
      const tenant = tenantLabel(slug)
      rows.inc({ tenant }, written.rows)
      for (const { reason } of written.deadLetters) deadLetters.inc({ tenant, reason })
    },
    restarted: (slug) => restarts.inc({ tenant: tenantLabel(slug) })
  })
})
