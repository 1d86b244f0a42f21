/**
 * Every setting of edge-collector itself; `NATS_*`, `OPS_*`, `LOG_*` and `OTEL_*` stand in the READMEs of the packages
 * that use them. Each may stand in the environment or, under the same name, in the JSON file that `EDGE_CONFIG_FILE`
 * names; the environment wins. A listener whose port is not set is off.
 *
 * | setting | type, unit | default | meaning |
 * |---|---|---|---|
 * | `EDGE_CONFIG_FILE` | path | — | a JSON object with any of the settings below and of `NATS_*` |
 * | `EDGE_BUFFER_FOLDER` | path | — | where messages wait; of this process alone |
 * | `EDGE_BUFFER_BYTES_MAX` | bytes | `1073741824` | what may wait on disk; at least 67108864 |
 * | `EDGE_BUFFER_WHEN_FULL` | `refuse`, `drop-oldest` | `refuse` | whether new or old messages are given up then |
 * | `EDGE_BUFFER_FSYNC` | boolean | `true` | a message counts as taken only when the disk has it; `false` leaves it to the system when to write, and a power cut costs what it had not written |
 * | `EDGE_PENDING_BYTES_MAX` | bytes | `33554432` | what may wait in memory for the disk |
 * | `EDGE_LISTEN_HOST` | address | `0.0.0.0` | where all listeners listen |
 * | `EDGE_PARTITION` | text | `default` | the network the collector stands in; before each sender's address |
 * | `EDGE_SYSLOG_UDP_PORT` | port | — | syslog in datagrams |
 * | `EDGE_SYSLOG_TCP_PORT` | port | — | syslog over TCP |
 * | `EDGE_SYSLOG_TLS_PORT` | port | — | syslog over TLS; needs the two files below |
 * | `EDGE_SYSLOG_TLS_CERT`, `EDGE_SYSLOG_TLS_KEY` | paths | — | PEM files of the collector |
 * | `EDGE_SYSLOG_TLS_CLIENT_CA` | path | — | PEM file; when set, senders need a certificate of it |
 * | `EDGE_SYSLOG_LINE_BYTES_MAX` | bytes | `65536` | a longer message is cut there |
 * | `EDGE_SYSLOG_CONNECTIONS_MAX` | connections | `500` | at once, for TCP and TLS each; further ones are closed |
 * | `EDGE_OTLP_GRPC_PORT` | port | — | OTLP over gRPC |
 * | `EDGE_OTLP_HTTP_PORT` | port | — | OTLP over HTTP |
 * | `EDGE_OTLP_REQUEST_BYTES_MAX` | bytes | `4194304` | of one request, unpacked; larger ones are refused |
 * | `EDGE_OTLP_REQUESTS_MAX` | requests | `32` | at once over HTTP, and over gRPC in each connection; further ones wait |
 * | `EDGE_SNMP_PORT` | port | — | SNMP traps and informs |
 * | `EDGE_SNMP_COMMUNITIES` | texts, commas | — | communities that versions 1 and 2c must have |
 * | `EDGE_SNMP_USERS_FILE` | path | — | JSON, the users of version 3; with neither this nor communities, everybody's traps are taken |
 * | `EDGE_NETFLOW_PORT` | port | — | NetFlow 5, NetFlow 9 and IPFIX over UDP |
 * | `EDGE_SFLOW_PORT` | port | — | sFlow 5 |
 */
import { readFileSync } from "node:fs"
import { Config, ConfigProvider, Context, Effect, Layer, Option, Redacted, Schema } from "effect"

const MEBIBYTE = 1024 * 1024
const BUFFER_BYTES_MIN = 64 * MEBIBYTE

const between = (name: string, minimum: number, maximum: number) =>
  Config.schema(Schema.Int.check(Schema.isBetween({ minimum, maximum })), name)
const optional = <A>(config: Config.Config<A>) => Config.option(config).pipe(Config.map(Option.getOrUndefined))
const port = (name: string) => optional(between(name, 1, 65_535))
const text = (name: string) => optional(Config.String(name))

const secretsIn = (list: string): ReadonlyArray<Redacted.Redacted<string>> =>
  list
    .split(",")
    .map((secret) => secret.trim())
    .filter((secret) => secret !== "")
    .map((secret) => Redacted.make(secret))

const config = Config.all({
  host: Config.String("EDGE_LISTEN_HOST").pipe(Config.withDefault("0.0.0.0")),
  partition: Config.String("EDGE_PARTITION").pipe(Config.withDefault("default")),
  buffer: Config.all({
    folder: Config.String("EDGE_BUFFER_FOLDER"),
    bytesMax: between("EDGE_BUFFER_BYTES_MAX", BUFFER_BYTES_MIN, Number.MAX_SAFE_INTEGER).pipe(
      Config.withDefault(1024 * MEBIBYTE)
    ),
    pendingBytesMax: between("EDGE_PENDING_BYTES_MAX", MEBIBYTE, 1024 * MEBIBYTE).pipe(
      Config.withDefault(32 * MEBIBYTE)
    ),
    whenFull: Config.schema(Schema.Literals(["refuse", "drop-oldest"]), "EDGE_BUFFER_WHEN_FULL").pipe(
      Config.withDefault("refuse" as const)
    ),
    fsync: Config.Boolean("EDGE_BUFFER_FSYNC").pipe(Config.withDefault(true))
  }),
  syslog: Config.all({
    udpPort: port("EDGE_SYSLOG_UDP_PORT"),
    tcpPort: port("EDGE_SYSLOG_TCP_PORT"),
    tlsPort: port("EDGE_SYSLOG_TLS_PORT"),
    tlsCert: text("EDGE_SYSLOG_TLS_CERT"),
    tlsKey: text("EDGE_SYSLOG_TLS_KEY"),
    tlsClientCa: text("EDGE_SYSLOG_TLS_CLIENT_CA"),
    lineBytesMax: between("EDGE_SYSLOG_LINE_BYTES_MAX", 480, 256 * 1024).pipe(Config.withDefault(65_536)),
    connectionsMax: between("EDGE_SYSLOG_CONNECTIONS_MAX", 1, 100_000).pipe(Config.withDefault(500))
  }),
  snmp: Config.all({
    port: port("EDGE_SNMP_PORT"),
    communities: Config.Redacted("EDGE_SNMP_COMMUNITIES").pipe(
      Config.withDefault(Redacted.make("")),
      Config.map((list) => secretsIn(Redacted.value(list)))
    ),
    usersFile: text("EDGE_SNMP_USERS_FILE")
  }),
  flows: Config.all({ netflowPort: port("EDGE_NETFLOW_PORT"), sflowPort: port("EDGE_SFLOW_PORT") }),
  otlp: Config.all({
    grpcPort: port("EDGE_OTLP_GRPC_PORT"),
    httpPort: port("EDGE_OTLP_HTTP_PORT"),
    requestBytesMax: between("EDGE_OTLP_REQUEST_BYTES_MAX", 1_024, 16 * MEBIBYTE).pipe(
      Config.withDefault(4 * MEBIBYTE)
    ),
    requestsMax: between("EDGE_OTLP_REQUESTS_MAX", 1, 10_000).pipe(Config.withDefault(32))
  })
})

/** The file with settings cannot be used. */
export class ConfigFileInvalid extends Schema.TaggedError<ConfigFileInvalid>(
  "@bulkhead/edge-collector/ConfigFileInvalid"
)("ConfigFileInvalid", { path: Schema.String, problem: Schema.String }) {
  readonly isRetryable = false
  override get message(): string {
    return `EDGE_CONFIG_FILE="${this.path}": ${this.problem}. Correct the file and start again`
  }
}

/** The settings of one process. */
export class EdgeConfig extends Context.Service<EdgeConfig, Config.Success<typeof config>>()(
  "@bulkhead/edge-collector/EdgeConfig"
) {
  static readonly layer = Layer.effect(EdgeConfig, config)
}

const ConfigFile = Schema.fromJsonString(
  Schema.Record(Schema.String, Schema.Union([Schema.String, Schema.Number, Schema.Boolean]))
)

const readConfigFile = Effect.fnUntraced(function* (path: string) {
  const invalid = (problem: string) => new ConfigFileInvalid({ path, problem })
  const content = yield* Effect.try({
    try: () => readFileSync(path, "utf8"),
    catch: (cause) => invalid(`cannot be read (${cause instanceof Error && "code" in cause ? cause.code : "unknown"})`)
  })
  const values = yield* Schema.decodeUnknownEffect(ConfigFile)(content).pipe(
    Effect.mapError((error) => invalid(error.message.replaceAll(/\s*\n\s*/g, " ")))
  )
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]))
})

/** Puts the settings of the file behind those of the environment. */
export const layerConfigFile = Layer.unwrap(
  Effect.gen(function* () {
    const path = yield* text("EDGE_CONFIG_FILE")
    if (path === undefined) return Layer.empty
    const file = ConfigProvider.fromEnvRecord(yield* readConfigFile(path))
    return ConfigProvider.layerAdd(file)
  })
)
