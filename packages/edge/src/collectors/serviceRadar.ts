/**
 * ServiceRadar's collectors. They publish into the leaf node's stream under base subjects, and change nothing of it.
 */
import { BUFFER_STREAM } from "../buffer.ts"
import type { PackageFile } from "../PackageFile.ts"
import { type CollectorSetup, json } from "./Collector.ts"

export const flowgger = ({ natsUrl, credsFile, site }: CollectorSetup): PackageFile => ({
  path: "collectors/flowgger.toml",
  text: `[input]
type = "udp"
listen = "0.0.0.0:514"
format = "rfc3164"

[output]
type = "nats"
format = "gelf"
framing = "noop"
partition = "${site.name}"
nats_url = "${natsUrl}"
nats_subject = "logs.syslog"
nats_stream = "${BUFFER_STREAM}"
nats_timeout = 30000
nats_creds_file = "${credsFile}"
`
})

export const otel = ({ natsUrl, credsFile }: CollectorSetup): PackageFile => ({
  path: "collectors/otel.toml",
  text: `[server]
bind_address = "0.0.0.0"
port = 14317

[nats]
url = "${natsUrl}"
subject = "otel"
logs_subject = "logs.otel"
stream = "${BUFFER_STREAM}"
timeout_secs = 30
creds_file = "${credsFile}"
`
})

export const trapd = ({ natsUrl, credsFile, site }: CollectorSetup): PackageFile => ({
  path: "collectors/trapd.json",
  text: json({
    listen_addr: "0.0.0.0:162",
    nats_url: natsUrl,
    stream_name: BUFFER_STREAM,
    subject: "logs.snmp",
    partition: site.name,
    nats_creds_file: credsFile,
    nats_security: { mode: "none" }
  })
})

export const flowCollector = ({ natsUrl, credsFile }: CollectorSetup): PackageFile => ({
  path: "collectors/flow-collector.json",
  text: json({
    nats_url: natsUrl,
    nats_creds_file: credsFile,
    stream_name: BUFFER_STREAM,
    listeners: [
      { protocol: "netflow", listen_addr: "0.0.0.0:12055", subject: "flows.raw.netflow" },
      { protocol: "sflow", listen_addr: "0.0.0.0:16343", subject: "flows.raw.sflow" }
    ]
  })
})
