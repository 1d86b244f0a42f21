/**
 * Looks now and then how far every reader of tenants' streams is behind, for metrics: also readers that are not core's,
 * and the lanes of tenants that nobody runs. One replica does it for all. A stream in which nothing has happened and
 * nobody was behind is not asked again for a while, so that idle tenants cost nothing.
 */
import { listStreams, type ReaderLag, readerLags } from "@bulkhead/nats"
import { Metrics } from "@bulkhead/observability"
import { Effect, Layer } from "effect"
import { Gauge } from "prom-client"
import { CoreConfig } from "../CoreConfig.ts"
import { runDuty } from "../replicas/Duty.ts"
import { readersOfPlatform } from "./planOfPlatform.ts"
import { isTenantsStream, readerOf } from "./readerLags.ts"

const STREAMS_AT_ONCE = 4
/** After so many rounds a quiet stream is asked all the same: a reader may have come. */
const QUIET_ROUNDS_MAX = 10

/** The label of a reader that reads several tenants' messages. */
const ALL_TENANTS = "_all"
/** The label of readers that nobody knows: their names are anybody's choice, and may be many. */
const OTHER_READERS = "_other"

interface Look {
  readonly lastSequence: number
  readonly round: number
  readonly lags: ReadonlyArray<ReaderLag>
}

const messagesOf = ({ pending, ackPending }: ReaderLag): number => pending + ackPending

/** The age counts where it is known, and is nothing where nothing waits. */
const secondsOf = (lag: ReaderLag): number | undefined =>
  messagesOf(lag) === 0 ? 0 : lag.oldestAgeMs === undefined ? undefined : lag.oldestAgeMs / 1_000

const make = Effect.gen(function* () {
  const { lagMs } = yield* CoreConfig
  const { registry, tenantLabel } = yield* Metrics
  const readers = yield* readersOfPlatform
  const looks = new Map<string, Look>()
  let round = 0

  const labelsOf = (lag: ReaderLag) => ({
    tenant: lag.tenant === undefined ? ALL_TENANTS : tenantLabel(lag.tenant),
    reader: readerOf(readers, lag) ?? OTHER_READERS
  })
  /** Of several that share their labels the one that is furthest behind. */
  const lagGauge = (name: string, help: string, figureOf: (lag: ReaderLag) => number | undefined) =>
    new Gauge({
      name,
      help,
      labelNames: ["tenant", "reader"],
      registers: [registry],
      collect() {
        this.reset()
        const highest = new Map<string, number>()
        for (const lag of [...looks.values()].flatMap(({ lags }) => lags)) {
          const figure = figureOf(lag)
          const labels = labelsOf(lag)
          const key = `${labels.tenant} ${labels.reader}`
          if (figure === undefined || figure < (highest.get(key) ?? 0)) continue
          highest.set(key, figure)
          this.set(labels, figure)
        }
      }
    })
  lagGauge(
    "bulkhead_reader_lag_messages",
    "Messages that a reader of the tenant's stream has not acknowledged, when it was last looked at",
    messagesOf
  )
  lagGauge(
    "bulkhead_reader_lag_seconds",
    "For how long the oldest of them had been in the stream; 0 where there was none",
    secondsOf
  )

  const isQuiet = (stream: string, lastSequence: number): boolean => {
    const look = looks.get(stream)
    if (look === undefined || look.lastSequence !== lastSequence || round - look.round >= QUIET_ROUNDS_MAX) return false
    return look.lags.every((lag) => messagesOf(lag) === 0)
  }

  const look = Effect.gen(function* () {
    round += 1
    const streams = (yield* listStreams()).filter(({ stream }) => isTenantsStream(stream))
    const names = new Set(streams.map(({ stream }) => stream))
    for (const stream of looks.keys()) if (!names.has(stream)) looks.delete(stream)
    yield* Effect.forEach(
      streams.filter(({ stream, lastSequence }) => !isQuiet(stream, lastSequence)),
      ({ stream, lastSequence, consumers }) =>
        Effect.map(consumers === 0 ? Effect.succeed([]) : readerLags(stream), (lags) => {
          looks.set(stream, { lastSequence, round, lags })
        }),
      { concurrency: STREAMS_AT_ONCE, discard: true }
    )
  }).pipe(
    Effect.catch((error) => Effect.logDebug("the lag of readers could not be looked at", { problem: error.message }))
  )

  if (lagMs === 0) return
  yield* runDuty(
    "lag-watch",
    // Another replica says it from now on.
    Effect.ensuring(
      Effect.forever(Effect.andThen(look, Effect.sleep(lagMs))),
      Effect.sync(() => looks.clear())
    )
  )
})

/** Watches until the scope closes, in one replica at a time. */
export const LagWatch = Layer.effectDiscard(make)
