/** The figures of edge-collector for Prometheus. */
import { Metrics } from "@bulkhead/observability"
import { Context, Effect, Layer } from "effect"
import { Counter, Gauge } from "prom-client"
import type { DiskBuffer } from "./DiskBuffer.ts"
import type { MemoryBudget } from "./MemoryBudget.ts"

/** Where messages come from. */
export type Source =
  | "syslog_udp"
  | "syslog_tcp"
  | "syslog_tls"
  | "otlp_grpc"
  | "otlp_http"
  | "snmp"
  | "netflow"
  | "sflow"

/** Why NATS will never take a message: the user may not publish it, or it is larger than the server or stream takes. */
export type RefusedReason = "forbidden" | "too_large"

export class EdgeMetrics extends Context.Service<
  EdgeMetrics,
  {
    readonly received: (source: Source, messages: number) => void
    /** What was not taken: the buffer was `full` or its `disk` failed, `memory` was taken, or the input was `invalid`. */
    readonly dropped: (source: Source, reason: string, messages: number) => void
    readonly truncated: (source: Source) => void
    readonly published: (messages: number) => void
    /** What NATS will never take. */
    readonly refused: (subject: string, reason: RefusedReason) => void
    readonly watch: (disk: DiskBuffer, memory: MemoryBudget) => void
  }
>()("@bulkhead/edge-collector/EdgeMetrics") {
  static readonly layer = Layer.effect(
    EdgeMetrics,
    Effect.gen(function* () {
      const registers = [(yield* Metrics).registry]
      const counter = (name: string, help: string, labelNames: ReadonlyArray<string> = []) =>
        new Counter({ name: `bulkhead_edge_${name}`, help, labelNames: [...labelNames], registers })
      const gauge = (name: string, help: string, figure: () => number) =>
        new Gauge({
          name: `bulkhead_edge_${name}`,
          help,
          registers,
          collect() {
            this.set(figure())
          }
        })
      const received = counter("received_total", "Messages that the buffer has taken", ["source"])
      const dropped = counter("dropped_total", "Messages that were not taken, by reason", ["source", "reason"])
      const truncated = counter("truncated_total", "Messages that were cut at the limit of their length", ["source"])
      const published = counter("published_total", "Messages that the tenant's stream has acknowledged")
      const refused = counter("refused_total", "Messages put aside because NATS will never take them", [
        "subject",
        "reason"
      ])
      return EdgeMetrics.of({
        received: (source, messages) => received.inc({ source }, messages),
        dropped: (source, reason, messages) => dropped.inc({ source, reason }, messages),
        truncated: (source) => truncated.inc({ source }),
        published: (messages) => published.inc(messages),
        refused: (subject, reason) => refused.inc({ subject, reason }),
        watch: (disk, memory) => {
          gauge("buffer_messages", "Messages in the buffer that are not acknowledged", () => disk.messages)
          gauge("buffer_bytes", "Bytes of the buffer's files", () => disk.bytes)
          gauge(
            "memory_bytes",
            "Bytes of memory that listeners hold, of EDGE_MEMORY_BYTES_MAX",
            () => memory.takenBytes
          )
          gauge("buffer_dropped_oldest", "Messages given up since the start because newer ones came", () => {
            return disk.lost.dropped_oldest
          })
          gauge("buffer_corrupt", "Messages lost since the start because a file was damaged", () => disk.lost.corrupt)
        }
      })
    })
  )
}
