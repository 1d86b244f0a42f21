/**
 * Streams: which one a tenant has, and making the server have it. The plan is a pure function; applying it is
 * idempotent.
 */
import { patternsForTenant, type PrefixMode, ROOTS, streamName, type TenantSlug } from "@bulkhead/channels"
import {
  DiscardPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
  type StreamInfo
} from "@nats-io/jetstream"
import { Effect } from "effect"
import { natsError } from "./internal/reasonOf.ts"
import { Nats } from "./Nats.ts"
import { NatsError, RequestRefused } from "./NatsError.ts"

/** What is wanted of a stream. */
export interface StreamPlan {
  readonly name: string
  readonly subjects: ReadonlyArray<string>
  /** Bytes at most; -1 for as much as the account has. */
  readonly maxBytes: number
  /** Age of the oldest message at most, milliseconds. */
  readonly maxAgeMs: number
}

/** A stream on the server, as one incarnation: one that is made anew has another creation time. */
export interface StreamIncarnation {
  readonly stream: string
  /** RFC 3339, as the server gives it. */
  readonly createdAt: string
}

/** A repeat with the same `Nats-Msg-Id` within this time is dropped; publishers repeat for two minutes at most. */
export const DUPLICATE_WINDOW_MS = 180_000

const NANOSECONDS = 1_000_000

/**
 * The stream of one tenant, holding all its roots. Undefined when the tenant has no subject in this mode: a customer in
 * mode `legacy`.
 */
export const tenantStreamPlan = (input: {
  readonly tenant: TenantSlug
  readonly mode: PrefixMode
  readonly maxBytes: number
  readonly maxAgeMs: number
}): StreamPlan | undefined => {
  const subjects = ROOTS.flatMap((root) => patternsForTenant(input.tenant, `${root}.>`, input.mode))
  if (subjects.length === 0) return undefined
  return { name: streamName(input.tenant), subjects, maxBytes: input.maxBytes, maxAgeMs: input.maxAgeMs }
}

const configOf = (plan: StreamPlan) => ({
  subjects: [...plan.subjects],
  max_bytes: plan.maxBytes,
  max_age: plan.maxAgeMs * NANOSECONDS,
  // A full stream refuses, so that publishers see it and nothing unread is dropped in silence. Age makes room.
  discard: DiscardPolicy.New,
  duplicate_window: Math.min(DUPLICATE_WINDOW_MS, plan.maxAgeMs) * NANOSECONDS,
  allow_direct: true
})

/** What of the server's stream a change would lose. */
const lossOf = (plan: StreamPlan, info: StreamInfo): string | undefined => {
  const { messages, bytes } = info.state
  if (messages === 0) return undefined
  if (plan.maxBytes >= 0 && bytes > plan.maxBytes) {
    return `it holds ${bytes} bytes, more than the wanted limit of ${plan.maxBytes}`
  }
  return undefined
}

const isAbsent = (error: unknown): boolean =>
  error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound

const incarnation = (info: StreamInfo): StreamIncarnation => ({ stream: info.config.name, createdAt: info.created })

/** Makes the stream, or changes what differs. Refuses a change that would drop messages, naming them. */
export const ensureStream = Effect.fn("ensureStream")(function* (plan: StreamPlan) {
  const connection = yield* (yield* Nats).connection
  const resource = `stream "${plan.name}"`
  const reach = <A>(run: () => Promise<A>) => Effect.tryPromise({ try: run, catch: natsError("ensureStream", resource) })
  const manager = yield* reach(() => jetstreamManager(connection, { checkAPI: false }))
  const present = yield* reach(() =>
    manager.streams.info(plan.name).catch((error: unknown) => {
      if (isAbsent(error)) return undefined
      throw error
    })
  )
  if (present === undefined) {
    const fixed = { name: plan.name, storage: StorageType.File, retention: RetentionPolicy.Limits }
    return incarnation(yield* reach(() => manager.streams.add({ ...fixed, ...configOf(plan) })))
  }
  const loss = lossOf(plan, present)
  if (loss !== undefined) {
    const reason = new RequestRefused({ what: resource, problem: loss, nextStep: "raise the limit, or purge the stream first" })
    return yield* new NatsError({ operation: "ensureStream", reason })
  }
  const wanted = configOf(plan)
  const differs = Object.entries(wanted).some(
    ([key, value]) => JSON.stringify(present.config[key as keyof typeof wanted]) !== JSON.stringify(value)
  )
  return incarnation(differs ? yield* reach(() => manager.streams.update(plan.name, wanted)) : present)
})
