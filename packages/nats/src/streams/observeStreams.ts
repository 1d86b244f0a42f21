/**
 * Looks at everything that a plan is compared with: the streams of the account, the consumers of those that are ours,
 * the account's limits and the user's rights. Reads, and changes nothing.
 */
import { SHARED_STREAM_NAME, tenantOfStream } from "@bulkhead/channels"
import type { JetStreamAccountStats, JetStreamManager, StreamInfo } from "@nats-io/jetstream"
import { DateTime, Effect } from "effect"
import { askJetStream } from "../internal/askJetStream.ts"
import { consumersOf, observedConsumer, observedStream } from "../internal/lookAtStream.ts"
import { Nats } from "../Nats.ts"
import { publishRightsOf } from "../publishRights.ts"
import type { ObservedAccount, ObservedServer, ObservedStream } from "./ObservedServer.ts"
import type { Amount } from "./StreamShape.ts"

/** So many questions for consumers are under way at a time: enough to be quick, too few to be felt by the server. */
const QUESTIONS_AT_ONCE = 8

const amountOf = (limit: number): Amount => (limit < 0 ? "unlimited" : limit)

/** nats-server 2.10 counts a stream without limit as -1, which comes out as an enormous number. */
const reservedOf = (bytes: number): number => (bytes > Number.MAX_SAFE_INTEGER ? 0 : bytes)

const accountOf = (info: JetStreamAccountStats): ObservedAccount => {
  const { limits, tiers = {} } = info
  return {
    storage: (replicas) => {
      const tier = tiers[`R${replicas}`]
      return {
        max: amountOf((tier?.limits ?? limits).max_storage),
        reserved: reservedOf((tier ?? info).reserved_storage)
      }
    },
    streamBytesMax: limits.storage_max_stream_bytes > 0 ? limits.storage_max_stream_bytes : "unlimited",
    streams: { max: amountOf(limits.max_streams), present: info.streams },
    consumers: { max: amountOf(limits.max_consumers), present: info.consumers }
  }
}

const isOurs = (name: string): boolean => name === SHARED_STREAM_NAME || tenantOfStream(name) !== undefined

const withConsumers = async (
  manager: JetStreamManager,
  infos: ReadonlyArray<StreamInfo>,
  ours: ReadonlySet<string>
): Promise<ReadonlyArray<ObservedStream>> => {
  const found: Array<ObservedStream> = []
  const left = [...infos].reverse()
  const work = async () => {
    for (let info = left.pop(); info !== undefined; info = left.pop()) {
      const { name } = info.config
      const isAsked = (isOurs(name) || ours.has(name)) && info.state.consumer_count > 0
      const consumers = isAsked ? (await consumersOf(manager, name)).map(observedConsumer) : []
      found.push(observedStream(info, consumers))
    }
  }
  await Promise.all(Array.from({ length: QUESTIONS_AT_ONCE }, work))
  return found.sort((a, b) => (a.name < b.name ? -1 : 1))
}

/**
 * A look at the server of the connection. `planned` names streams whose consumers matter besides those of tenants.
 *
 * **Fails**: `NatsUnavailable` (retryable) without connection or answer, `RequestRefused` without the right to look.
 *
 * @stability stable
 */
export const observeStreams = (planned: ReadonlyArray<string> = []) =>
  Effect.gen(function* () {
    const at = DateTime.toDateUtc(yield* DateTime.now)
    const connection = yield* (yield* Nats).connection
    return yield* askJetStream({
      operation: "observeStreams",
      what: "the streams of the account",
      rights: "INFO, STREAM.LIST and CONSUMER.LIST.*",
      ask: async (manager): Promise<ObservedServer> => {
        const account = await manager.getAccountInfo()
        const infos: Array<StreamInfo> = []
        for await (const info of manager.streams.list()) infos.push(info)
        return {
          version: connection.info?.version ?? "unknown",
          isClustered: connection.info?.cluster !== undefined,
          at,
          account: accountOf(account),
          streams: await withConsumers(manager, infos, new Set(planned)),
          rights: await publishRightsOf(connection)
        }
      }
    })
  })
