/**
 * Who reads the streams of tenants, and under which name operators see it there.
 */
import {
  DEFAULT_TENANT,
  type PrefixMode,
  patternsForAllTenants,
  patternsForTenant,
  SHARED_STREAM_NAME,
  type TenantSlug
} from "@bulkhead/channels"
import { Schema } from "effect"
import type { PlannedConsumer } from "./StreamPlan.ts"

/** Says what is wrong with a pattern, in words of the grammar. */
const isBasePattern = Schema.makeFilter((pattern: string) => {
  try {
    patternsForTenant(DEFAULT_TENANT, pattern, "both")
    return undefined
  } catch (error) {
    return (error as Error).message
  }
})

export const StreamReader = Schema.Struct({
  /** Its durable consumer. */
  name: Schema.String.check(Schema.isPattern(/^[\w-]{1,64}$/)),
  /** What it reads, without tenant: `events.>`. No two of them may overlap. */
  patterns: Schema.NonEmptyArray(Schema.String.check(isBasePattern)),
  /** Whether it reads the streams of single tenants. */
  ownStreams: Schema.Boolean,
  /** Whether it reads the shared stream: with one consumer for all tenants, with one for each, or not. */
  sharedStream: Schema.Literals(["one", "each", "none"]),
  madeBy: Schema.Literals(["reader", "plan"])
}).annotate({ identifier: "StreamReader" })
export type StreamReader = typeof StreamReader.Type

/**
 * Which logs are written: those that zen gives out, `processed`, with those that it failed on as dead letters, or, where no zen runs, those that collectors publish,
 * `raw`.
 */
export type StoredLogs = "processed" | "raw"

/** A wildcard within a subject takes one token, so there is a pattern for each number of tokens that logs have. */
const LOG_PATTERNS: Readonly<Record<StoredLogs, ReadonlyArray<string>>> = {
  processed: ["processed", "failed"].flatMap((end) => [`logs.*.${end}`, `logs.*.*.${end}`, `logs.*.*.*.${end}`]),
  raw: ["logs.>"]
}

/** What the writers of records read: every kind but flows, which are netflow-consumer's. */
export const recordPatterns = (logs: StoredLogs): readonly [string, ...ReadonlyArray<string>] => [
  "events.>",
  ...LOG_PATTERNS[logs],
  "otel.logs",
  "otel.metrics",
  "otel.metrics.raw",
  "otel.traces",
  "sweep.>",
  "telemetry.>"
]

/** The readers among the platform's own services. */
export const READERS = {
  /** Core's, one lane for each tenant. */
  eventWriter: {
    name: "event-writer",
    patterns: recordPatterns("processed"),
    ownStreams: true,
    sharedStream: "each",
    madeBy: "reader"
  },
  /** db-event-writer's, one lane for all tenants. */
  dbEventWriter: {
    name: "db-event-writer",
    patterns: recordPatterns("processed"),
    ownStreams: false,
    sharedStream: "one",
    madeBy: "reader"
  },
  /** zen-consumer's, one lane for each tenant. */
  zenConsumer: {
    name: "zen-consumer",
    patterns: ["logs.syslog", "logs.snmp", "logs.otel", "logs.internal.*", "logs.internal.*.*"],
    ownStreams: true,
    sharedStream: "each",
    madeBy: "reader"
  },
  /** netflow-consumer's, one lane for each tenant. Of `events.>` the writers of records leave it the one subject. */
  netflowConsumer: {
    name: "netflow-consumer",
    patterns: ["netflow.>", "flows.raw.*", "events.netflow"],
    ownStreams: true,
    sharedStream: "each",
    madeBy: "reader"
  }
} as const satisfies Readonly<Record<string, StreamReader>>

/** A tenant's consumer has a name of its own in a stream of all tenants. */
export const consumerName = (reader: Pick<StreamReader, "name">, stream: string, tenant: TenantSlug): string =>
  stream === SHARED_STREAM_NAME ? `${reader.name}-${tenant}` : reader.name

/**
 * A reader with a watermark of its own reads prefixed and unprefixed messages in every mode: the mode decides what the
 * stream takes, and what it took before has to be read too. One that finds its consumer made reads what the mode says.
 */
const filterMode = (reader: StreamReader, mode: PrefixMode): PrefixMode => (reader.madeBy === "reader" ? "both" : mode)

/** The consumer of one tenant in a stream; none where the tenant has no subject. */
export const consumerOfTenant = (
  reader: StreamReader,
  stream: string,
  tenant: TenantSlug,
  mode: PrefixMode
): ReadonlyArray<PlannedConsumer> => {
  const filtersIn = (one: PrefixMode) => reader.patterns.flatMap((pattern) => patternsForTenant(tenant, pattern, one))
  if (filtersIn(mode).length === 0) return []
  const filterSubjects = filtersIn(filterMode(reader, mode))
  return [{ name: consumerName(reader, stream, tenant), tenant, filterSubjects, madeBy: reader.madeBy }]
}

/** The one consumer of all tenants. */
export const consumerOfAll = (reader: StreamReader, mode: PrefixMode): PlannedConsumer => ({
  name: reader.name,
  filterSubjects: reader.patterns.flatMap((pattern) => patternsForAllTenants(pattern, filterMode(reader, mode))),
  madeBy: reader.madeBy
})
