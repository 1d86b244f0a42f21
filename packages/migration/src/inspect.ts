/**
 * Looks at an installation: its streams, what is stored and how fast it comes, and who reads it how far. Changes nothing.
 */
import { publishRightsOf } from "@bulkhead/nats"
import type { ConsumerInfo, StreamInfo } from "@nats-io/jetstream"
import { Effect } from "effect"
import type { AccountFacts, ConsumerFacts, Inspection, StreamFacts } from "./Inspection.ts"
import { JetStreamAdmin, type JetStreamApi } from "./internal/JetStreamAdmin.ts"

export interface InspectOptions {
  /** How long to watch what arrives; 0 for not at all. Default 3000. */
  readonly measureMs?: number
}

const MEASURE_MS = 3_000

const collect = async <A>(lister: AsyncIterable<A>): Promise<ReadonlyArray<A>> => {
  const all: Array<A> = []
  for await (const one of lister) all.push(one)
  return all
}

const filtersOf = ({ filter_subject: one, filter_subjects: several = [] }: ConsumerInfo["config"]) =>
  one === undefined || one === "" ? several : [one]

/** The server's own, by which one stream copies from another. */
const isInternal = (name: string): boolean => name.startsWith("JS_SRC_") || name.startsWith("JS_MIRROR_")

export const consumerFacts = (info: ConsumerInfo): ConsumerFacts => ({
  name: info.name,
  isDurable: (info.config.durable_name ?? "") !== "",
  kind: info.config.deliver_subject === undefined ? "pull" : "push",
  filterSubjects: filtersOf(info.config),
  position: {
    delivered: info.delivered.stream_seq,
    ackFloor: info.ack_floor.stream_seq,
    ackPending: info.num_ack_pending,
    pending: info.num_pending
  },
  readers: info.config.deliver_subject === undefined ? info.num_waiting : info.push_bound ? 1 : 0,
  createdAt: info.created,
  config: { ...info.config }
})

const accountFacts = async ({ manager }: JetStreamApi): Promise<AccountFacts> => {
  const { storage, limits, streams } = await manager.getAccountInfo()
  return {
    storedBytes: storage,
    storedBytesMax: limits.max_storage,
    streams,
    streamsMax: limits.max_streams,
    consumersMax: limits.max_consumers
  }
}

const streamFacts = async ({ manager }: JetStreamApi, listed: StreamInfo): Promise<StreamFacts> => {
  const { name } = listed.config
  const { config, state, created } = await manager.streams.info(name, { subjects_filter: ">" })
  const consumers = await collect(manager.consumers.list(name))
  const sources = [...(config.sources ?? []), ...(config.mirror === undefined ? [] : [config.mirror])]
  return {
    name,
    createdAt: created,
    subjects: config.subjects ?? [],
    messages: state.messages,
    bytes: state.bytes,
    firstSequence: state.first_seq,
    lastSequence: state.last_seq,
    stored: state.subjects ?? {},
    ratePerSecond: 0,
    consumers: consumers.filter((one) => !isInternal(one.name)).map(consumerFacts),
    copiesFrom: sources.map((source) => source.name),
    config: { ...config }
  }
}

const lastSequences = ({ manager }: JetStreamApi) =>
  collect(manager.streams.list()).then(
    (infos) => new Map(infos.map(({ config, state }) => [config.name, state.last_seq] as const))
  )

const look = async (api: JetStreamApi): Promise<Inspection> => {
  const streams: Array<StreamFacts> = []
  for (const listed of await collect(api.manager.streams.list())) streams.push(await streamFacts(api, listed))
  const serverVersion = api.connection.info?.version ?? "0.0.0"
  const rights = await publishRightsOf(api.connection)
  return { serverVersion, account: await accountFacts(api), rights, streams }
}

/**
 * Looks at everything once, and at what arrives for `measureMs`.
 *
 * **Fails**: `ServerUnavailable` (retryable), `ServerRefused` without the rights.
 *
 * @stability experimental
 */
export const inspect = Effect.fn("inspect")(function* ({ measureMs = MEASURE_MS }: InspectOptions = {}) {
  const admin = yield* JetStreamAdmin
  const rights = "INFO, STREAM.LIST, STREAM.INFO and CONSUMER.LIST"
  const ask = <A>(run: (api: JetStreamApi) => Promise<A>) => admin.ask({ what: "all streams", rights, ask: run })
  const before = yield* ask(lastSequences)
  if (measureMs > 0) yield* Effect.sleep(measureMs)
  const found = yield* ask(look)
  if (measureMs === 0) return found
  const rateOf = ({ name, lastSequence }: StreamFacts): number =>
    Math.max(0, lastSequence - (before.get(name) ?? lastSequence)) / (measureMs / 1_000)
  return { ...found, streams: found.streams.map((stream) => ({ ...stream, ratePerSecond: rateOf(stream) })) }
})
