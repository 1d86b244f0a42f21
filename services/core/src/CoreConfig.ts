/**
 * Every variable core itself reads; `DATABASE_*`, `NATS_*`, `OPS_*`, `LOG_*` and `OTEL_*` belong to the packages that
 * use them and stand in their READMEs.
 *
 * | variable | type, unit | default | meaning |
 * |---|---|---|---|
 * | `CORE_HTTP_HOST` | address | `127.0.0.1` | where the API listens |
 * | `CORE_HTTP_PORT` | port | `8080` | where the API listens |
 * | `CORE_API_TOKEN` | secret | — | the bearer token of the API, 16 characters or more |
 * | `CORE_API_TOKEN_FILE` | path | — | a file that holds the token; wins over `CORE_API_TOKEN` |
 * | `CORE_ACCOUNTS` | `signer`, `none` | `signer` | whether each tenant has a NATS account, kept by account-signer |
 * | `CORE_CANARY_MS` | milliseconds | `60000` | pause between two rounds of the isolation canary; 0 for none |
 * | `CORE_RECONCILE_MS` | milliseconds | `5000` | how often the registry compares wish and reality |
 * | `CORE_DRIFT_MS` | milliseconds | `30000` | how often it looks whether somebody took away what it had made |
 * | `CORE_HEARTBEAT_MS` | milliseconds | `1000` | how often a replica says that it is there |
 * | `CORE_REPLICA_LIFETIME_MS` | milliseconds | `4000` | how long it counts as alive after that; the same in all replicas |
 * | `CORE_STARTS_AT_ONCE` | tenants | `32` | how many tenants' lanes are started at a time |
 * | `CORE_RESTARTS_MAX` | failures | `10` | so many failures of one tenant … |
 * | `CORE_RESTARTS_WINDOW_MS` | milliseconds | `300000` | … within this time, and its tries become rare … |
 * | `CORE_RETRY_RARE_MS` | milliseconds | `60000` | … so long apart at most |
 * | `CORE_PROVISION_WAIT_MS` | milliseconds | `10000` | how long a create waits for the tenant to become active |
 * | `CORE_RETENTION_DAYS` | days | `30` | how long events are kept; whole partitions are dropped |
 * | `CORE_STREAM_BYTES_MAX` | bytes | `1073741824` | size of one tenant's stream at most, where its plan allows more |
 * | `CORE_STREAM_AGE_MAX_MS` | milliseconds | `604800000` | age limit of messages in one tenant's stream |
 * | `CORE_LAYOUT` | `per-tenant`, `shared` | `per-tenant` | a stream for each tenant, or one for all |
 * | `CORE_SHARED_STREAM_BYTES_MAX` | bytes | `4294967296` | size of the one stream at most |
 * | `CORE_SHARED_SUBJECTS` | `listed`, `wildcard` | `listed` | how the one stream names its subjects: see `packages/nats/src/streams` |
 * | `CORE_STREAM_SETTINGS_FILE` | path | — | copies, placement, age and more of streams, by plan: see `packages/nats/src/streams` |
 * | `CORE_EVENT_WRITER` | `on`, `off` | `on` | whether core writes events itself; `off` where db-event-writer does |
 * | `RECORDS_LOGS` | `processed`, `raw` | `processed` | which logs are written: zen's, or, where no zen runs, collectors' own; the same in db-event-writer |
 * | `CORE_BATCH_ROWS_MAX` | messages | `2000` | a batch is written when it has this many messages |
 * | `CORE_BATCH_AGE_MS` | milliseconds | `50` | … or when its first message has waited this long |
 * | `CORE_LAG_MS` | milliseconds | `30000` | pause between two looks at the lag of all readers, for metrics; 0 for none |
 * | `CORE_QUOTA_MEASURE_MS` | milliseconds | `30000` | pause between two measurements of the tenants' schemas |
 */
import { readFileSync } from "node:fs"
import { storedLogs } from "@bulkhead/pipeline"
import { Config, Context, Effect, Layer, Option, Redacted, Schema } from "effect"
import { readStreamSettings, type StreamSettingsFile } from "./streams/StreamSettingsFile.ts"

const port = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 65_535 }))
const positive = Schema.Int.check(Schema.isGreaterThan(0))
const milliseconds = (name: string, ms: number) => Config.schema(positive, name).pipe(Config.withDefault(ms))

const config = Config.all({
  httpHost: Config.String("CORE_HTTP_HOST").pipe(Config.withDefault("127.0.0.1")),
  httpPort: Config.schema(port, "CORE_HTTP_PORT").pipe(Config.withDefault(8080)),
  accounts: Config.schema(Schema.Literals(["signer", "none"]), "CORE_ACCOUNTS").pipe(
    Config.withDefault("signer" as const)
  ),
  canaryMs: Config.schema(Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)), "CORE_CANARY_MS").pipe(
    Config.withDefault(60_000)
  ),
  reconcileMs: milliseconds("CORE_RECONCILE_MS", 5_000),
  driftMs: milliseconds("CORE_DRIFT_MS", 30_000),
  heartbeatMs: milliseconds("CORE_HEARTBEAT_MS", 1_000),
  replicaLifetimeMs: milliseconds("CORE_REPLICA_LIFETIME_MS", 4_000),
  startsAtOnce: Config.schema(positive, "CORE_STARTS_AT_ONCE").pipe(Config.withDefault(32)),
  restartsMax: Config.schema(positive, "CORE_RESTARTS_MAX").pipe(Config.withDefault(10)),
  restartsWindowMs: milliseconds("CORE_RESTARTS_WINDOW_MS", 300_000),
  retryRareMs: milliseconds("CORE_RETRY_RARE_MS", 60_000),
  provisionWaitMs: milliseconds("CORE_PROVISION_WAIT_MS", 10_000),
  retentionDays: Config.schema(positive, "CORE_RETENTION_DAYS").pipe(Config.withDefault(30)),
  streamBytesMax: Config.schema(positive, "CORE_STREAM_BYTES_MAX").pipe(Config.withDefault(1_073_741_824)),
  streamAgeMaxMs: milliseconds("CORE_STREAM_AGE_MAX_MS", 604_800_000),
  layout: Config.schema(Schema.Literals(["per-tenant", "shared"]), "CORE_LAYOUT").pipe(
    Config.withDefault("per-tenant" as const)
  ),
  sharedStreamBytesMax: Config.schema(positive, "CORE_SHARED_STREAM_BYTES_MAX").pipe(Config.withDefault(4_294_967_296)),
  sharedSubjects: Config.schema(Schema.Literals(["listed", "wildcard"]), "CORE_SHARED_SUBJECTS").pipe(
    Config.withDefault("listed" as const)
  ),
  streamSettingsFile: Config.option(Config.String("CORE_STREAM_SETTINGS_FILE")).pipe(Config.map(Option.getOrUndefined)),
  eventWriter: Config.schema(Schema.Literals(["on", "off"]), "CORE_EVENT_WRITER").pipe(
    Config.withDefault("on" as const)
  ),
  storedLogs,
  batchRowsMax: Config.schema(positive, "CORE_BATCH_ROWS_MAX").pipe(Config.withDefault(2_000)),
  batchAgeMs: milliseconds("CORE_BATCH_AGE_MS", 50),
  lagMs: Config.schema(Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)), "CORE_LAG_MS").pipe(
    Config.withDefault(30_000)
  ),
  quotaMeasureMs: milliseconds("CORE_QUOTA_MEASURE_MS", 30_000)
})

interface Settings extends Config.Success<typeof config> {
  /** What stands in the file of stream settings. */
  readonly streamSettings: StreamSettingsFile
}

/** The settings of one core process. */
export class CoreConfig extends Context.Service<CoreConfig, Settings>()("@bulkhead/core/CoreConfig") {
  static readonly layer = Layer.effect(
    CoreConfig,
    config.pipe(
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
  const file = yield* Config.option(Config.String("CORE_API_TOKEN_FILE"))
  if (file._tag === "None") return yield* Config.option(Config.Redacted("CORE_API_TOKEN"))
  return yield* Effect.try({
    try: () => ({ _tag: "Some" as const, value: Redacted.make(readFileSync(file.value, "utf8").trim()) }),
    catch: () => new ApiTokenUnusable({ problem: `CORE_API_TOKEN_FILE="${file.value}" cannot be read` })
  })
})

/** The bearer token that the API accepts. */
export class ApiToken extends Context.Service<ApiToken, Redacted.Redacted<string>>()("@bulkhead/core/ApiToken") {
  static readonly layer = Layer.effect(
    ApiToken,
    Effect.gen(function* () {
      const token = yield* readToken()
      if (token._tag === "None") return yield* new ApiTokenUnusable({ problem: "No API token is given" })
      const length = Redacted.value(token.value).length
      if (length < TOKEN_LENGTH_MIN)
        return yield* new ApiTokenUnusable({ problem: `The API token has ${length} characters` })
      return token.value
    })
  )
}
