/**
 * NetFlow and IPFIX, published on `flows.raw.netflow`, and sFlow, on `flows.raw.sflow`. What the buffer cannot take, and
 * what cannot be read, is dropped and counted.
 */
import { isIPv4 } from "node:net"
import { CHANNELS } from "@bulkhead/channels"
import { Effect, Layer } from "effect"
import { Datagram, Malformed } from "./Datagram.ts"
import { EdgeBuffer } from "./EdgeBuffer.ts"
import { EdgeConfig } from "./EdgeConfig.ts"
import { EdgeMetrics } from "./EdgeMetrics.ts"
import { FlowTemplates } from "./FlowTemplates.ts"
import { encodeFlow, type Flow } from "./flowMessage.ts"
import { listenUdp } from "./listen.ts"
import { readNetflow } from "./readNetflow.ts"
import type { Exported } from "./readNetflow5.ts"
import { readSflow } from "./readSflow.ts"

interface FlowListener {
  readonly source: "netflow" | "sflow"
  readonly subject: string
  readonly port: number | undefined
  readonly variable: string
  readonly read: (datagram: Datagram, exported: Exported) => ReadonlyArray<Flow>
}

/** A record of other things than traffic is no flow. */
const isFlow = ({ srcAddr, dstAddr, bytes, packets }: Flow): boolean =>
  srcAddr.byteLength > 0 || dstAddr.byteLength > 0 || bytes > 0n || packets > 0n

const make = Effect.gen(function* () {
  const { host, flows: settings } = yield* EdgeConfig
  const buffer = yield* EdgeBuffer
  const metrics = yield* EdgeMetrics
  const templates = new FlowTemplates()
  const listeners: ReadonlyArray<FlowListener> = [
    {
      source: "netflow",
      subject: CHANNELS.rawNetflow.subject,
      port: settings.netflowPort,
      variable: "EDGE_NETFLOW_PORT",
      read: (datagram, exported) => readNetflow(datagram, templates, exported)
    },
    {
      source: "sflow",
      subject: CHANNELS.rawSflow.subject,
      port: settings.sflowPort,
      variable: "EDGE_SFLOW_PORT",
      read: readSflow
    }
  ]

  const take = ({ source, subject, read }: FlowListener, bytes: Buffer, address: string) => {
    const before = templates.unknownTemplates
    try {
      const exported = { exporter: addressBytes(address), receivedNs: BigInt(Date.now()) * 1_000_000n }
      const found = read(new Datagram(bytes), exported)
      const flows = found.filter(isFlow)
      if (flows.length < found.length) metrics.dropped(source, "empty", found.length - flows.length)
      void buffer.takeOrDrop(
        source,
        flows.map((flow) => ({ subject, payload: encodeFlow(flow) }))
      )
    } catch (error) {
      if (!(error instanceof Malformed)) throw error
      metrics.dropped(source, "invalid", 1)
    }
    if (templates.unknownTemplates > before) metrics.dropped(source, "no_template", templates.unknownTemplates - before)
  }

  for (const listener of listeners) {
    const { port, variable } = listener
    if (port === undefined) continue
    yield* listenUdp({ host, port, variable }, (bytes, { address }) => take(listener, bytes, address))
  }
})

/** An address of the system as 4 or 16 bytes. */
const addressBytes = (address: string): Uint8Array => {
  const bare = address.replace(/^::ffff:(?=\d+\.)/, "").replace(/%.*$/, "")
  if (isIPv4(bare)) return Uint8Array.from(bare.split(".").map(Number))
  const [head = "", tail] = bare.split("::")
  const groups = (text: string) => (text === "" ? [] : text.split(":"))
  const zeros = tail === undefined ? 0 : 8 - groups(head).length - groups(tail).length
  const all = [...groups(head), ...Array.from({ length: zeros }, () => "0"), ...groups(tail ?? "")]
  return Uint8Array.from(all.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff]))
}

export const FlowListeners = Layer.effectDiscard(make)
