/**
 * What the server says of a stream or a consumer, in our words.
 */
import type { ConsumerInfo, JetStreamManager, StreamInfo } from "@nats-io/jetstream"
import type { ObservedConsumer, ObservedStream } from "../streams/ObservedServer.ts"
import { shapeOfServer } from "../streams/StreamShape.ts"

/** Tells a consumer that a plan made from one that somebody else did. */
export const PLAN_MARK = { "bulkhead-made-by": "plan" } as const

export const observedStream = (
  { config, created, state }: StreamInfo,
  consumers?: ReadonlyArray<ObservedConsumer>
): ObservedStream => ({
  name: config.name,
  createdAt: created,
  shape: shapeOfServer(config),
  messages: state.messages,
  bytes: state.bytes,
  lastSequence: state.last_seq,
  firstReceivedAt: state.messages === 0 ? undefined : new Date(state.first_ts),
  consumers
})

const isPlanMade = (metadata: Readonly<Record<string, string>> = {}): boolean =>
  Object.entries(PLAN_MARK).every(([key, value]) => metadata[key] === value)

/** Empty where it reads all subjects of the stream. */
export const filtersOf = ({ config }: Pick<ConsumerInfo, "config">): ReadonlyArray<string> =>
  config.filter_subjects ?? (config.filter_subject === undefined ? [] : [config.filter_subject])

export const observedConsumer = ({ name, config, num_pending, num_ack_pending }: ConsumerInfo): ObservedConsumer => ({
  name,
  isDurable: config.durable_name !== undefined && config.durable_name !== "",
  expires: (config.inactive_threshold ?? 0) > 0,
  filterSubjects: filtersOf({ config }),
  ackPolicy: config.ack_policy,
  isPlanMade: isPlanMade(config.metadata),
  pending: num_pending,
  ackPending: num_ack_pending
})

/** Every consumer of a stream. */
export const consumersOf = async (manager: JetStreamManager, stream: string): Promise<ReadonlyArray<ConsumerInfo>> => {
  const found: Array<ConsumerInfo> = []
  for await (const info of manager.consumers.list(stream)) found.push(info)
  return found
}
