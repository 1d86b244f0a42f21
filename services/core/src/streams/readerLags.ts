/**
 * How far the readers of tenants' streams are behind, and which of the platform's readers each of them is.
 */
import { SHARED_STREAM_NAME, streamName, type TenantSlug, tenantOfStream } from "@bulkhead/channels"
import { consumerName, listStreams, type ReaderLag, readerLags, type StreamReader } from "@bulkhead/nats"
import { Effect } from "effect"

/** So many streams are asked about at a time: two thousand take about a second, and the server hardly notices. */
const STREAMS_AT_ONCE = 8

export const isTenantsStream = (stream: string): boolean =>
  stream === SHARED_STREAM_NAME || tenantOfStream(stream) !== undefined

/** Every reader of a tenant, of its own stream and of the shared one, those that read all tenants included. */
export const lagsOfTenant = Effect.fnUntraced(function* (tenant: TenantSlug) {
  const own = yield* readerLags(streamName(tenant))
  const shared = yield* readerLags(SHARED_STREAM_NAME)
  return [...own, ...shared.filter((lag) => (lag.tenant ?? tenant) === tenant)]
})

/** Every reader of every tenant. */
export const lagsOfAll = Effect.gen(function* () {
  const streams = (yield* listStreams()).filter(({ stream, consumers }) => isTenantsStream(stream) && consumers > 0)
  const lags = yield* Effect.forEach(streams, ({ stream }) => readerLags(stream), { concurrency: STREAMS_AT_ONCE })
  return lags.flat()
})

/** The name of the reader whose consumer it is; undefined for one that nobody knows. */
export const readerOf = (readers: ReadonlyArray<StreamReader>, lag: ReaderLag): string | undefined => {
  const { consumer, stream, tenant } = lag
  return readers.find(
    (reader) => consumer === reader.name || (tenant !== undefined && consumer === consumerName(reader, stream, tenant))
  )?.name
}
