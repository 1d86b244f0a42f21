/**
 * Where tenants' messages are stored, by `CORE_LAYOUT`: a stream for each tenant, or one for all. Whoever asks for a
 * tenant's stream need not know which.
 */
import {
  DEFAULT_TENANT,
  type PrefixMode,
  patternsForTenant,
  SHARED_STREAM_NAME,
  streamName,
  type TenantSlug
} from "@bulkhead/channels"
import type { Flags } from "@bulkhead/flags"
import {
  consumerName,
  deleteConsumer,
  deleteStream,
  ensureConsumers,
  ensureStream,
  findStream,
  type Nats,
  type NatsError,
  type PlannedStream,
  planSharedStream,
  planTenantStream,
  purgeSubject,
  READERS,
  type StreamIncarnation,
  sharedStreamSubject,
  storedUnder
} from "@bulkhead/nats"
import { type LaneStats, LaneStore, type StorageError, type TenantStore } from "@bulkhead/storage"
import type { Tenant } from "@bulkhead/tenancy"
import { Context, Effect, Layer, Schedule } from "effect"
import { CoreConfig } from "../CoreConfig.ts"
import { readersOfPlatform } from "./planOfPlatform.ts"
import { makeSharedStream } from "./SharedStream.ts"
import { settingsOf, sharedSettings } from "./streamSettings.ts"

/** What the server says of a tenant's messages after their removal. */
export interface StreamRemains {
  /** Messages that the shared stream holds under the tenant's prefix. */
  readonly inShared: number
}

type Failure = NatsError | StorageError

export class TenantStreams extends Context.Service<
  TenantStreams,
  {
    /**
     * Makes the tenant's messages be stored, and gives the stream; undefined when it has no subject in this mode.
     * `lanes` were read before.
     */
    readonly ensure: (
      tenant: Tenant,
      mode: PrefixMode,
      lanes: ReadonlyArray<LaneStats>
    ) => Effect.Effect<StreamIncarnation | undefined, Failure>
    /** Removes all messages of a tenant that is on its way out, in whichever layout they were stored. */
    readonly erase: (tenant: Tenant) => Effect.Effect<StreamRemains, Failure>
  }
>()("@bulkhead/core/TenantStreams") {
  static readonly layer = Layer.effect(
    TenantStreams,
    Effect.suspend(() => make)
  )
}

const DRIFT_LOOK_EVERY = "30 seconds"

/**
 * A new tenant's lane begins where the stream stands, as long as no message of it is there. So nothing that a tenant of
 * the same slug sent before could be written into its schema, were it still on its way through a writer. `default` was
 * never deleted before, and what came without a prefix is its own from the first message on.
 */
const beginLane = Effect.fnUntraced(function* (tenant: TenantSlug) {
  if (tenant === DEFAULT_TENANT) return
  const found = yield* findStream(SHARED_STREAM_NAME)
  if (found === undefined || (yield* storedUnder(SHARED_STREAM_NAME, sharedStreamSubject(tenant))) > 0) return
  yield* (yield* LaneStore).open(tenant, `${found.stream}@${found.createdAt}`, found.lastSequence)
})

/** A reader whose consumer the server refuses keeps no tenant's lane from running; `bulkhead streams plan` shows it too. */
const ensureReaders = (planned: PlannedStream) =>
  ensureConsumers(planned).pipe(
    Effect.catchReason("NatsError", "RequestRefused", ({ message: problem }) =>
      Effect.logWarning("a consumer of the plan cannot be made", { problem })
    )
  )

const make = Effect.gen(function* () {
  const config = yield* CoreConfig
  const isShared = config.layout === "shared"
  const context = yield* Effect.context<CoreConfig | Nats | LaneStore | TenantStore | Flags>()
  const ensureShared = yield* makeSharedStream

  const ensureOwn = Effect.fnUntraced(function* (tenant: Tenant, mode: PrefixMode) {
    const readers = yield* readersOfPlatform
    const planned = planTenantStream({ tenant: tenant.slug, mode, settings: yield* settingsOf(tenant), readers })
    if (planned === undefined) return undefined
    const made = yield* ensureStream(planned)
    yield* ensureReaders(planned)
    return made
  })

  const ensureInShared = Effect.fnUntraced(function* (
    { slug, status }: Tenant,
    mode: PrefixMode,
    lanes: ReadonlyArray<LaneStats>
  ) {
    if (status === "provisioning" && lanes.length === 0) yield* beginLane(slug)
    const made = yield* ensureShared
    const settings = yield* sharedSettings
    // Those of this tenant, and those that read all tenants.
    yield* ensureReaders(planSharedStream({ tenants: [slug], mode, settings, readers: yield* readersOfPlatform }))
    return patternsForTenant(slug, "events.>", mode).length === 0 ? undefined : made
  })

  const erase = Effect.fnUntraced(function* ({ slug }: Tenant) {
    const subject = sharedStreamSubject(slug)
    // First the stream takes no more of them.
    if (isShared) yield* ensureShared
    const readers = [READERS.eventWriter, ...(yield* readersOfPlatform)]
    const durables = new Set(
      readers
        .filter(({ sharedStream }) => sharedStream === "each")
        .map((reader) => consumerName(reader, SHARED_STREAM_NAME, slug))
    )
    yield* Effect.forEach(durables, (durable) => deleteConsumer(SHARED_STREAM_NAME, durable), { discard: true })
    yield* purgeSubject(SHARED_STREAM_NAME, subject)
    yield* deleteStream(streamName(slug))
    return { inShared: yield* storedUnder(SHARED_STREAM_NAME, subject) }
  })

  if (isShared) {
    // Somebody may have changed the stream by hand.
    yield* ensureShared.pipe(
      Effect.catch((error) =>
        Effect.logWarning("the shared stream is not as it should be", { problem: error.message })
      ),
      Effect.repeat(Schedule.spaced(DRIFT_LOOK_EVERY)),
      Effect.forkScoped
    )
  }

  return TenantStreams.of({
    ensure: (tenant, mode, lanes) =>
      isShared
        ? Effect.provideContext(ensureInShared(tenant, mode, lanes), context)
        : Effect.provideContext(ensureOwn(tenant, mode), context),
    erase: (tenant) => erase(tenant).pipe(Effect.provideContext(context))
  })
})
