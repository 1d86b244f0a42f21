/**
 * Every setting of core itself; those of `DATABASE_`, `NATS_`, `PUBLISH_`, `OPS_`, `LOG_` and `OTEL_` belong to the packages
 * that use them.
 */
import { readFileSync } from "node:fs"
import { storedLogs } from "@bulkhead/pipeline"
import { readSettings, Setting, type SettingValues } from "@bulkhead/settings"
import { Context, Effect, Layer, Redacted, Schema } from "effect"
import { readStreamSettings, type StreamSettingsFile } from "./streams/StreamSettingsFile.ts"

const ms = (name: string, meaning: string) => Setting.whole(name, "milliseconds", { from: 1 }, meaning)
const msOrNever = (name: string, meaning: string) => Setting.whole(name, "milliseconds", { from: 0 }, meaning)
const bytes = (name: string, meaning: string) => Setting.whole(name, "bytes", { from: 1 }, meaning)

export const coreSettings = {
  configFile: Setting.text(
    "CORE_CONFIG_FILE",
    "a JSON object with any of the settings that core reads; the environment wins",
    "path"
  ).optional,
  httpHost: Setting.text("CORE_HTTP_HOST", "where the API listens", "address").or("127.0.0.1"),
  httpPort: Setting.port("CORE_HTTP_PORT", "where the API listens").or(8080),
  accounts: Setting.choice(
    "CORE_ACCOUNTS",
    ["signer", "none"],
    "`signer`: each tenant has a NATS account, kept by account-signer; `none` where all tenants share one account and " +
      "publishers add the prefix"
  ).or("signer"),
  canaryMs: msOrNever("CORE_CANARY_MS", "pause between two rounds of the isolation canary; 0 for none").or(60_000),
  reconcileMs: ms("CORE_RECONCILE_MS", "how often the tenants table is compared with the actors").or(5_000),
  driftMs: ms("CORE_DRIFT_MS", "how often schemas and roles of idle tenants are looked at").or(30_000),
  heartbeatMs: ms("CORE_HEARTBEAT_MS", "how often a replica renews its membership").or(1_000),
  replicaLifetimeMs: ms(
    "CORE_REPLICA_LIFETIME_MS",
    "how long it is a member after that, at least two heartbeats; the same in all replicas"
  ).or(4_000),
  startsAtOnce: Setting.whole("CORE_STARTS_AT_ONCE", "tenants", { from: 1 }, "so many are started at a time").or(32),
  restartsMax: Setting.whole("CORE_RESTARTS_MAX", "failures", { from: 1 }, "a tenant that fails so often …").or(10),
  restartsWindowMs: ms(
    "CORE_RESTARTS_WINDOW_MS",
    "… within this time is tried rarely; failures of a server that is away do not count"
  ).or(300_000),
  retryRareMs: ms("CORE_RETRY_RARE_MS", "longest pause between rare tries").or(60_000),
  provisionWaitMs: ms("CORE_PROVISION_WAIT_MS", "how long a create waits for `active`").or(10_000),
  retentionDays: Setting.whole(
    "CORE_RETENTION_DAYS",
    "days",
    { from: 1 },
    "how long records are kept; whole partitions are dropped"
  ).or(30),
  streamBytesMax: bytes("CORE_STREAM_BYTES_MAX", "size of one tenant's stream at most, where its plan allows more").or(
    1_073_741_824
  ),
  streamAgeMaxMs: ms("CORE_STREAM_AGE_MAX_MS", "age limit of messages in a tenant's stream").or(604_800_000),
  layout: Setting.choice(
    "CORE_LAYOUT",
    ["per-tenant", "shared"],
    "a stream for each tenant, or one for all; chosen at the first start"
  ).or("per-tenant"),
  sharedStreamBytesMax: bytes("CORE_SHARED_STREAM_BYTES_MAX", "size of the one stream at most").or(4_294_967_296),
  sharedSubjects: Setting.choice(
    "CORE_SHARED_SUBJECTS",
    ["listed", "wildcard"],
    "how the one stream names its subjects: see [streams](../../docs/streams.md)"
  ).or("listed"),
  streamSettingsFile: Setting.text(
    "CORE_STREAM_SETTINGS_FILE",
    "copies, placement, age and more of streams, by plan: see [streams](../../docs/streams.md)",
    "path"
  ).optional,
  eventWriter: Setting.choice(
    "CORE_EVENT_WRITER",
    ["on", "off"],
    "`off` where db-event-writer writes the records, in the layout `shared`"
  ).or("on"),
  storedLogs,
  batchRowsMax: Setting.whole(
    "CORE_BATCH_ROWS_MAX",
    "messages",
    { from: 1 },
    "a batch is written when it has this many"
  ).or(2_000),
  batchAgeMs: ms("CORE_BATCH_AGE_MS", "… or when its first message has waited this long").or(50),
  lagMs: msOrNever("CORE_LAG_MS", "pause between two looks at the lag of all readers, for metrics; 0 for none").or(
    30_000
  ),
  quotaMeasureMs: ms("CORE_QUOTA_MEASURE_MS", "pause between two measurements of the tenants' schemas").or(30_000)
}

export const apiTokenSettings = {
  token: Setting.secret("CORE_API_TOKEN", "the bearer token of the API, 16 characters or more").otherwise(
    "this or the next"
  ),
  file: Setting.text("CORE_API_TOKEN_FILE", "a file that holds the token; wins over the other", "path").optional
}

interface Settings extends SettingValues<typeof coreSettings> {
  /** What stands in the file of stream settings. */
  readonly streamSettings: StreamSettingsFile
}

/** The settings of one core process. */
export class CoreConfig extends Context.Service<CoreConfig, Settings>()("@bulkhead/core/CoreConfig") {
  static readonly layer = Layer.effect(
    CoreConfig,
    readSettings(coreSettings).pipe(
      Effect.filterOrFail(
        ({ layout, eventWriter }) => layout === "shared" || eventWriter === "on",
        () => new NobodyWrites()
      ),
      Effect.flatMap((settings) =>
        Effect.map(readStreamSettings(settings.streamSettingsFile), (streamSettings) => ({
          ...settings,
          streamSettings
        }))
      )
    )
  )
}

/** Events would be stored and never written. */
export class NobodyWrites extends Schema.TaggedError<NobodyWrites>()("NobodyWrites", {}) {
  override get message(): string {
    return (
      "CORE_EVENT_WRITER=off leaves the events of each tenant's own stream unwritten: " +
      "set CORE_LAYOUT=shared and run db-event-writer, or leave it on"
    )
  }
}

const TOKEN_LENGTH_MIN = 16

/** The API token is missing or too short to be a secret. */
export class ApiTokenUnusable extends Schema.TaggedError<ApiTokenUnusable>()("ApiTokenUnusable", {
  problem: Schema.String
}) {
  override get message(): string {
    return `${this.problem}. Set CORE_API_TOKEN, or CORE_API_TOKEN_FILE, to a secret of ${TOKEN_LENGTH_MIN} characters or more`
  }
}

const readToken = Effect.fnUntraced(function* () {
  const { token, file } = yield* readSettings(apiTokenSettings)
  if (file === undefined) return token
  return yield* Effect.try({
    try: () => Redacted.make(readFileSync(file, "utf8").trim()),
    catch: () => new ApiTokenUnusable({ problem: `CORE_API_TOKEN_FILE="${file}" cannot be read` })
  })
})

/** The bearer token that the API accepts. */
export class ApiToken extends Context.Service<ApiToken, Redacted.Redacted<string>>()("@bulkhead/core/ApiToken") {
  static readonly layer = Layer.effect(
    ApiToken,
    Effect.gen(function* () {
      const token = yield* readToken()
      if (token === undefined) return yield* new ApiTokenUnusable({ problem: "No API token is given" })
      const length = Redacted.value(token).length
      if (length < TOKEN_LENGTH_MIN)
        return yield* new ApiTokenUnusable({ problem: `The API token has ${length} characters` })
      return token
    })
  )
}
