/** The figures of edge-relay for Prometheus. */
import { Metrics } from "@bulkhead/observability"
import { Context, Effect, Layer } from "effect"
import { Counter, Gauge } from "prom-client"
import type { BufferLevel } from "./SiteBuffer.ts"

export class RelayMetrics extends Context.Service<
  RelayMetrics,
  {
    readonly relayed: (messages: number) => void
    /** A batch that the platform had already, because its acknowledgement was lost. */
    readonly found: () => void
    readonly givenUp: () => void
    readonly level: (level: BufferLevel) => void
  }
>()("@bulkhead/edge-relay/RelayMetrics") {
  static readonly layer = Layer.effect(
    RelayMetrics,
    Effect.gen(function* () {
      const registers = [(yield* Metrics).registry]
      const named = (name: string, help: string) => ({ name: `bulkhead_relay_${name}`, help, registers })
      const relayed = new Counter(named("relayed_total", "Messages that the platform has stored"))
      const found = new Counter(named("batches_found_total", "Batches that were stored although no answer had come"))
      const givenUp = new Counter(named("given_up_total", "Messages that the platform will never take"))
      const messages = new Gauge(named("buffer_messages", "Messages that wait at the site"))
      const bytes = new Gauge(named("buffer_bytes", "Bytes that wait at the site"))
      return RelayMetrics.of({
        relayed: (count) => relayed.inc(count),
        found: () => found.inc(),
        givenUp: () => givenUp.inc(),
        level: (level) => {
          messages.set(level.messages)
          bytes.set(level.bytes)
        }
      })
    })
  )
}
