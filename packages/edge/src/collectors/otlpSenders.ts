/**
 * Collectors whose best way out is OTLP: they send to edge-collector, which answers when the message is on disk. No
 * release of the OpenTelemetry Collector speaks NATS; Fluent Bit does, without credentials; Telegraf does, in a shape of
 * its own that nobody here reads.
 */
import type { PackageFile } from "../PackageFile.ts"
import { COLLECTOR_PORTS } from "./Collector.ts"

export const otelCollector: PackageFile = {
  path: "collectors/otel-collector.yaml",
  text: `# For the OpenTelemetry Collector, core or contrib. Applications send to ports 14317 and 14318.
receivers:
  otlp:
    protocols:
      grpc: { endpoint: 127.0.0.1:14317 }
      http: { endpoint: 127.0.0.1:14318 }
processors:
  batch: { send_batch_max_size: 512 }
exporters:
  otlp:
    endpoint: 127.0.0.1:${COLLECTOR_PORTS.otlpGrpc}
    tls: { insecure: true }
    # It tries for ever; what waits beyond the queue is refused to the applications.
    retry_on_failure: { enabled: true, max_elapsed_time: 0s }
    sending_queue: { enabled: true, queue_size: 5000 }
service:
  pipelines:
    logs: { receivers: [otlp], processors: [batch], exporters: [otlp] }
    metrics: { receivers: [otlp], processors: [batch], exporters: [otlp] }
    traces: { receivers: [otlp], processors: [batch], exporters: [otlp] }
`
}

export const fluentBit: PackageFile = {
  path: "collectors/fluent-bit.yaml",
  text: `# For Fluent Bit 3 or newer: what the machine's units log.
service:
  flush: 1
  storage.path: /var/lib/fluent-bit
  storage.sync: full
pipeline:
  inputs:
    - name: systemd
      tag: host.*
      storage.type: filesystem
  outputs:
    - name: opentelemetry
      match: "*"
      host: 127.0.0.1
      port: ${COLLECTOR_PORTS.otlpHttp}
      logs_uri: /v1/logs
      retry_limit: no_limits
`
}

export const telegraf: PackageFile = {
  path: "collectors/telegraf.conf",
  text: `# For Telegraf: figures of this machine, as OTLP metrics.
[agent]
  interval = "10s"
  metric_buffer_limit = 100000

[[inputs.cpu]]
[[inputs.mem]]
[[inputs.disk]]

[[outputs.opentelemetry]]
  service_address = "127.0.0.1:${COLLECTOR_PORTS.otlpGrpc}"
`
}
