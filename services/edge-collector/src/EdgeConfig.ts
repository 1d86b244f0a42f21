/**
 * Every setting of edge-collector itself; `NATS_*`, `OPS_*`, `LOG_*` and `OTEL_*` stand in the READMEs of the packages
 * that use them. A listener whose port is not set is off.
 */
import { readSettings, Setting, type SettingValues } from "@bulkhead/settings"
import { Context, Layer } from "effect"

const MEBIBYTE = 1024 * 1024

/** By the parts that read them. */
export const edgeSettings = {
  configFile: Setting.text(
    "EDGE_CONFIG_FILE",
    "a JSON object with any of the settings below and of `NATS_*`; the environment wins",
    "path"
  ).optional,
  host: Setting.text("EDGE_LISTEN_HOST", "where all listeners listen", "address").or("0.0.0.0"),
  memoryBytesMax: Setting.whole(
    "EDGE_MEMORY_BYTES_MAX",
    "bytes",
    { from: 32 * MEBIBYTE },
    "what all listeners together may hold of what they have received and the disk does not have yet; reading it takes " +
      "as much again"
  ).or(128 * MEBIBYTE),
  partition: Setting.text("EDGE_PARTITION", "the network the collector stands in; before each sender's address").or(
    "default"
  ),
  buffer: {
    folder: Setting.text("EDGE_BUFFER_FOLDER", "where messages wait; of this process alone", "path"),
    bytesMax: Setting.whole("EDGE_BUFFER_BYTES_MAX", "bytes", { from: 64 * MEBIBYTE }, "what may wait on disk").or(
      1024 * MEBIBYTE
    ),
    whenFull: Setting.choice(
      "EDGE_BUFFER_WHEN_FULL",
      ["refuse", "drop-oldest"],
      "whether new or old messages are given up when the disk's share is full"
    ).or("refuse"),
    fsync: Setting.boolean(
      "EDGE_BUFFER_FSYNC",
      "a message counts as taken when the disk has it (those that arrive together share one `fdatasync`); `false` " +
        "leaves it to the system when to write, and a power cut costs what it had not written"
    ).or(true),
    refusedBytesMax: Setting.whole(
      "EDGE_REFUSED_BYTES_MAX",
      "bytes",
      { from: 0 },
      "what is kept, in `refused.jsonl` and `refused.old.jsonl`, of messages that NATS will never take"
    ).or(64 * MEBIBYTE)
  },
  syslog: {
    udpPort: Setting.port("EDGE_SYSLOG_UDP_PORT", "syslog in datagrams").optional,
    tcpPort: Setting.port("EDGE_SYSLOG_TCP_PORT", "syslog over TCP").optional,
    tlsPort: Setting.port("EDGE_SYSLOG_TLS_PORT", "syslog over TLS; needs the two files below").optional,
    tlsCert: Setting.text("EDGE_SYSLOG_TLS_CERT", "PEM file of the collector", "path").optional,
    tlsKey: Setting.text("EDGE_SYSLOG_TLS_KEY", "PEM file of the collector", "path").optional,
    tlsClientCa: Setting.text(
      "EDGE_SYSLOG_TLS_CLIENT_CA",
      "PEM file; when set, senders need a certificate of it",
      "path"
    ).optional,
    lineBytesMax: Setting.whole(
      "EDGE_SYSLOG_LINE_BYTES_MAX",
      "bytes",
      { from: 480, to: 256 * 1024 },
      "a longer message is cut there, counted"
    ).or(65_536),
    connectionsMax: Setting.whole(
      "EDGE_SYSLOG_CONNECTIONS_MAX",
      "connections",
      { from: 1, to: 100_000 },
      "at once, for TCP and TLS each; further ones are closed"
    ).or(500)
  },
  snmp: {
    port: Setting.port("EDGE_SNMP_PORT", "SNMP traps and informs").optional,
    communities: Setting.secrets("EDGE_SNMP_COMMUNITIES", "communities that versions 1 and 2c must have"),
    usersFile: Setting.text(
      "EDGE_SNMP_USERS_FILE",
      'JSON, the users of version 3: `{ "users": [{ "name", "authProtocol", "authKey", "privProtocol", "privKey" }] }`, ' +
        "with `sha` to `sha512`, and `aes`, `aes256b` or `aes256r` where there is a `privKey`",
      "path"
    ).optional,
    acceptAny: Setting.boolean(
      "EDGE_SNMP_ACCEPT_ANY",
      "without communities and users: whether everybody's traps are taken; else the collector does not start"
    ).or(false)
  },
  flows: {
    netflowPort: Setting.port("EDGE_NETFLOW_PORT", "NetFlow 5, NetFlow 9 and IPFIX over UDP").optional,
    sflowPort: Setting.port("EDGE_SFLOW_PORT", "sFlow 5").optional
  },
  otlp: {
    grpcPort: Setting.port("EDGE_OTLP_GRPC_PORT", "OTLP over gRPC").optional,
    httpPort: Setting.port("EDGE_OTLP_HTTP_PORT", "OTLP over HTTP").optional,
    tlsCert: Setting.text(
      "EDGE_OTLP_TLS_CERT",
      "PEM file of the collector; with it, OTLP is taken over TLS alone",
      "path"
    ).optional,
    tlsKey: Setting.text("EDGE_OTLP_TLS_KEY", "PEM file of the collector", "path").optional,
    tlsClientCa: Setting.text("EDGE_OTLP_TLS_CLIENT_CA", "PEM file; when set, senders need a certificate of it", "path")
      .optional,
    tokens: Setting.secrets(
      "EDGE_OTLP_TOKENS",
      "when set, senders need one of them, as `authorization: Bearer …`; 16 characters or more each"
    ),
    acceptAny: Setting.boolean(
      "EDGE_OTLP_ACCEPT_ANY",
      "whether OTLP is taken elsewhere than on loopback without TLS, or without a token and a certificate; else the " +
        "collector does not start"
    ).or(false),
    connectionsMax: Setting.whole(
      "EDGE_OTLP_CONNECTIONS_MAX",
      "connections",
      { from: 1, to: 100_000 },
      "at once over HTTP; further ones are closed"
    ).or(500),
    requestBytesMax: Setting.whole(
      "EDGE_OTLP_REQUEST_BYTES_MAX",
      "bytes",
      { from: 1_024, to: 16 * MEBIBYTE },
      "of one request, unpacked; larger ones get `RESOURCE_EXHAUSTED` or 413"
    ).or(4 * MEBIBYTE),
    requestTimeoutMs: Setting.whole(
      "EDGE_OTLP_REQUEST_TIMEOUT_MS",
      "milliseconds",
      { from: 1_000, to: 600_000 },
      "how long a request may take to arrive"
    ).or(30_000),
    requestsMax: Setting.whole(
      "EDGE_OTLP_REQUESTS_MAX",
      "requests",
      { from: 1, to: 10_000 },
      "read at once over HTTP, and over gRPC in each connection; further ones wait"
    ).or(32)
  }
}

/** The settings of one process. */
export class EdgeConfig extends Context.Service<EdgeConfig, SettingValues<typeof edgeSettings>>()(
  "@bulkhead/edge-collector/EdgeConfig"
) {
  static readonly layer = Layer.effect(EdgeConfig, readSettings(edgeSettings))
}
