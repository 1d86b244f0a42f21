/**
 * The configuration of a stream in our words, wanted or found: what the server calls `max_bytes: -1` is `"unlimited"`
 * here, its nanoseconds are milliseconds. Only what a plan decides is in it; whatever else a stream has stays.
 */
import {
  DiscardPolicy,
  RetentionPolicy,
  type StreamConfig as ServerConfig,
  type StreamUpdateConfig as ServerUpdate,
  StorageType,
  type StreamInfo
} from "@nats-io/jetstream"
import type { PlannedStream } from "./StreamPlan.ts"
import { DUPLICATE_WINDOW_MS, type StreamPlacement } from "./StreamSettings.ts"

export type Amount = number | "unlimited"

export interface StreamShape {
  readonly subjects: ReadonlyArray<string>
  readonly storage: "file" | "memory"
  readonly retention: "limits" | "interest" | "workqueue"
  readonly discard: "new" | "old"
  readonly maxBytes: Amount
  /** 0 keeps messages of any age. */
  readonly maxAgeMs: number
  readonly maxMessages: Amount
  /** One that is not unlimited drives out an older message of the same subject. */
  readonly maxMessagesPerSubject: Amount
  readonly duplicateWindowMs: number
  /** Whether publishers get no acknowledgement. */
  readonly noAck: boolean
  /** Whether single messages can be read without a consumer. */
  readonly allowDirect: boolean
  /** Whether several messages can be stored all or none. */
  readonly allowAtomic?: boolean
  readonly replicas?: number
  readonly placement?: StreamPlacement
}

const NANOS_IN_MS = 1_000_000

const amountOf = (limit: number | undefined): Amount => (limit === undefined || limit < 0 ? "unlimited" : limit)
const limitOf = (amount: Amount): number => (amount === "unlimited" ? -1 : amount)

const placementOf = ({
  cluster,
  tags
}: {
  cluster?: string | undefined
  tags?: ReadonlyArray<string> | undefined
}) => ({
  ...(cluster === undefined || cluster === "" ? {} : { cluster }),
  ...(tags === undefined || tags.length === 0 ? {} : { tags: [...tags] })
})

/** What a planned stream shall be, with everything that was left open decided; copies and place may stay open. */
export const shapeOfPlan = (planned: PlannedStream): StreamShape => {
  const { maxAgeMs, duplicateWindowMs = DUPLICATE_WINDOW_MS } = planned
  return {
    subjects: planned.subjects,
    storage: planned.storage ?? "file",
    retention: "limits",
    discard: planned.discard ?? "new",
    maxBytes: planned.maxBytes ?? "unlimited",
    maxAgeMs,
    maxMessages: "unlimited",
    maxMessagesPerSubject: "unlimited",
    // The server refuses a window longer than the age.
    duplicateWindowMs: maxAgeMs === 0 ? duplicateWindowMs : Math.min(duplicateWindowMs, maxAgeMs),
    noAck: false,
    allowDirect: true,
    ...(planned.allowAtomic === undefined ? {} : { allowAtomic: planned.allowAtomic }),
    ...(planned.replicas === undefined ? {} : { replicas: planned.replicas }),
    ...(planned.placement === undefined ? {} : { placement: placementOf(planned.placement) })
  }
}

/** What a stream on the server is. The server leaves out what is false. */
export const shapeOfServer = (config: StreamInfo["config"]): StreamShape => ({
  subjects: config.subjects ?? [],
  storage: config.storage,
  retention: config.retention,
  discard: config.discard,
  maxBytes: amountOf(config.max_bytes),
  maxAgeMs: config.max_age / NANOS_IN_MS,
  maxMessages: amountOf(config.max_msgs),
  maxMessagesPerSubject: amountOf(config.max_msgs_per_subject),
  duplicateWindowMs: (config.duplicate_window ?? 0) / NANOS_IN_MS,
  noAck: config.no_ack ?? false,
  allowDirect: config.allow_direct ?? false,
  allowAtomic: config.allow_atomic ?? false,
  replicas: config.num_replicas,
  placement: placementOf(config.placement ?? {})
})

/** What the server never changes in a stream that exists. */
const FIXED: ReadonlyArray<keyof StreamShape> = ["storage", "retention"]
export const isFixed = (field: keyof StreamShape): boolean => FIXED.includes(field)

const RETENTIONS = {
  limits: RetentionPolicy.Limits,
  interest: RetentionPolicy.Interest,
  workqueue: RetentionPolicy.Workqueue
}

// The client's type of an update has no retention; servers take one, unless a work queue is involved.
const changeable = (shape: StreamShape): Partial<ServerUpdate> & { readonly retention: RetentionPolicy } => ({
  subjects: [...shape.subjects],
  retention: RETENTIONS[shape.retention],
  max_bytes: limitOf(shape.maxBytes),
  max_age: shape.maxAgeMs * NANOS_IN_MS,
  max_msgs: limitOf(shape.maxMessages),
  max_msgs_per_subject: limitOf(shape.maxMessagesPerSubject),
  discard: shape.discard === "new" ? DiscardPolicy.New : DiscardPolicy.Old,
  duplicate_window: shape.duplicateWindowMs * NANOS_IN_MS,
  no_ack: shape.noAck,
  allow_direct: shape.allowDirect,
  ...(shape.allowAtomic === undefined ? {} : { allow_atomic: shape.allowAtomic }),
  ...(shape.replicas === undefined ? {} : { num_replicas: shape.replicas }),
  ...(shape.placement === undefined
    ? {}
    : { placement: { cluster: shape.placement.cluster ?? "", tags: [...(shape.placement.tags ?? [])] } })
})

/** To make a stream. */
export const serverConfigOf = (name: string, shape: StreamShape): ServerConfig =>
  ({
    name,
    storage: shape.storage === "file" ? StorageType.File : StorageType.Memory,
    ...changeable(shape)
  }) as ServerConfig

/** To change one; what is not said stays as it is. */
export const serverUpdateOf = changeable
