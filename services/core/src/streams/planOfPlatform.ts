/**
 * Every stream that this installation shall have, as one plan: for whoever compares it with the server. Core itself makes
 * the same streams one by one, as tenants come.
 */
import { CHANNELS, type PrefixMode } from "@bulkhead/channels"
import { prefixMode } from "@bulkhead/flags"
import {
  type PlannedStream,
  planStreams,
  READERS,
  recordPatterns,
  type StreamLayout,
  type StreamReader
} from "@bulkhead/nats"
import { TenantStore } from "@bulkhead/storage"
import { Effect } from "effect"
import { CoreConfig } from "../CoreConfig.ts"
import { sharedSubjects } from "./SharedStream.ts"
import { settingsOf, sharedSettings } from "./streamSettings.ts"

const DAY_MS = 24 * 3_600_000

/** Kept for a week, so that a reader may be away over a weekend; with as many copies as other streams. */
export const lifecycleStream: Effect.Effect<PlannedStream, never, CoreConfig> = Effect.map(
  CoreConfig,
  ({ streamSettings: { default: { replicas, placement } = {} } }) => ({
    name: "TENANT_PROVISIONING",
    subjects: [CHANNELS.tenantLifecycle.subject],
    maxBytes: 64 * 1024 * 1024,
    maxAgeMs: 7 * DAY_MS,
    ...(replicas === undefined ? {} : { replicas }),
    ...(placement === undefined ? {} : { placement })
  })
)

/** Who reads tenants' streams: the platform's own services, and those that the file of stream settings names. */
export const readersOfPlatform: Effect.Effect<ReadonlyArray<StreamReader>, never, CoreConfig> = Effect.map(
  CoreConfig,
  ({ eventWriter, storedLogs, streamSettings }) => [
    ...(eventWriter === "on" ? [{ ...READERS.eventWriter, patterns: recordPatterns(storedLogs) }] : []),
    { ...READERS.dbEventWriter, patterns: recordPatterns(storedLogs) },
    READERS.zenConsumer,
    READERS.netflowConsumer,
    ...(streamSettings.readers ?? [])
  ]
)

/** In place of the installation's own: to see what another layout or mode would be. */
export interface PlanQuestion {
  readonly layout?: StreamLayout
  readonly mode?: PrefixMode
}

/** The plan as it would be now. */
export const planOfPlatform = Effect.fn("planOfPlatform")(function* (question: PlanQuestion = {}) {
  const { layout } = yield* CoreConfig
  const tenants = (yield* (yield* TenantStore).list).filter(({ status }) => status !== "deleting")
  const wanted = yield* Effect.forEach(tenants, (tenant) =>
    Effect.map(settingsOf(tenant), (settings) => ({ slug: tenant.slug, settings }))
  )
  return planStreams(question.layout ?? layout, wanted, {
    mode: question.mode ?? (yield* prefixMode),
    shared: yield* sharedSettings,
    sharedSubjects: yield* sharedSubjects,
    readers: yield* readersOfPlatform,
    others: [yield* lifecycleStream]
  })
})
