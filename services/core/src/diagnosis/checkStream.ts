/**
 * Whether the tenant's stream is there, takes its records, and has room for more.
 */
import { patternCovers, patternsForTenant, SHARED_STREAM_NAME, streamName } from "@bulkhead/channels"
import { prefixMode } from "@bulkhead/flags"
import { Nats, recordPatterns, sortFailure } from "@bulkhead/nats"
import type { Tenant } from "@bulkhead/tenancy"
import { DiscardPolicy, jetstreamManager, type StreamInfo } from "@nats-io/jetstream"
import { Effect } from "effect"
import { CoreConfig } from "../CoreConfig.ts"
import { failed, ok, skipped } from "./finding.ts"

/** The stream that has the tenant's records. */
export const streamOf = ({ slug }: Tenant) =>
  Effect.map(CoreConfig, ({ layout }) => (layout === "shared" ? SHARED_STREAM_NAME : streamName(slug)))

const infoOf = Effect.fnUntraced(function* (stream: string) {
  const connection = yield* (yield* Nats).connection
  return yield* Effect.tryPromise(async () => {
    const { streams } = await jetstreamManager(connection, { checkAPI: false })
    return streams.info(stream).catch((error: unknown) => {
      if (sortFailure(error).kind === "stream_missing") return undefined
      throw error
    })
  })
})

/** Whether a message of the usual size would be refused. */
const isFull = ({ config, state }: StreamInfo): boolean =>
  config.discard === DiscardPolicy.New &&
  config.max_bytes > 0 &&
  state.messages > 0 &&
  state.bytes + state.bytes / state.messages > config.max_bytes

/** Whether there is a stream that could answer a message. */
export const isStreamThere = Effect.fnUntraced(function* (tenant: Tenant) {
  return (yield* infoOf(yield* streamOf(tenant))) !== undefined
})

export const checkStream = Effect.fnUntraced(function* (tenant: Tenant) {
  const { slug } = tenant
  const mode = yield* prefixMode
  const wanted = recordPatterns((yield* CoreConfig).storedLogs).flatMap((pattern) =>
    patternsForTenant(slug, pattern, mode)
  )
  if (wanted.length === 0) return skipped("in this prefix mode the tenant has no subjects")
  const stream = yield* streamOf(tenant)
  const info = yield* infoOf(stream)
  if (info === undefined) {
    return failed(`there is no stream "${stream}"`, `Make it: bulkhead streams apply ${slug}`)
  }
  const { config, state } = info
  const missing = wanted.find((pattern) => !config.subjects.some((taken) => patternCovers(taken, pattern)))
  if (missing !== undefined) {
    const taken = config.subjects.join(" ")
    return failed(
      `stream "${stream}" takes ${taken}, and not "${missing}"`,
      `Put it right: bulkhead streams apply ${slug}`
    )
  }
  if (isFull(info)) {
    return failed(
      `stream "${stream}" is full: ${state.bytes} of ${config.max_bytes} bytes; publishers are refused`,
      `Give it more room: bulkhead tenants limits set ${slug} streamBytes=<bytes>`
    )
  }
  return ok(`stream "${stream}" has ${state.messages} messages, ${state.bytes} bytes`)
})
