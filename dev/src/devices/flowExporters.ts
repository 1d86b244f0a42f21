/**
 * Two exporters of flows, one of NetFlow 5 and one of IPFIX (RFC 7011). Their addresses are the tenant's own, so that a
 * row says by itself whose it is.
 */
import { createSocket } from "node:dgram"
import { Effect } from "effect"

const unsigned = (bytes: number, values: ReadonlyArray<number>): Buffer => {
  const buffer = Buffer.alloc(bytes * values.length)
  for (const [at, value] of values.entries()) buffer.writeUIntBE(value, at * bytes, bytes)
  return buffer
}
const u8 = (...values: ReadonlyArray<number>) => unsigned(1, values)
const u16 = (...values: ReadonlyArray<number>) => unsigned(2, values)
const u32 = (...values: ReadonlyArray<number>) => unsigned(4, values)
const u64 = (value: number) => {
  const buffer = Buffer.alloc(8)
  buffer.writeBigUInt64BE(BigInt(value))
  return buffer
}

const address = (network: string, host: number): Buffer => u8(...`${network}${host}`.split(".").map(Number))

/** 12 packets, 9000 bytes, TCP 443 to 51000, that began two seconds ago. */
const [PACKETS, BYTES, SOURCE_PORT, TARGET_PORT, TCP] = [12, 9_000, 443, 51_000, 6] as const
const LASTED_MS = 2_000
const UPTIME_MS = 3_600_000

/** One flow from host 5 to host 6 of `network`, `10.201.0.`. */
const netflow5 = (network: string, nowMs: number, sequence: number): Buffer =>
  Buffer.concat([
    u16(5, 1),
    u32(UPTIME_MS, Math.floor(nowMs / 1_000), (nowMs % 1_000) * 1_000_000, sequence),
    u8(0, 0),
    u16(0),
    address(network, 5),
    address(network, 6),
    u32(0),
    u16(1, 2),
    u32(PACKETS, BYTES, UPTIME_MS - LASTED_MS, UPTIME_MS),
    u16(SOURCE_PORT, TARGET_PORT),
    u8(0, 0x1b, TCP, 0),
    u16(0, 0),
    u8(24, 24, 0, 0)
  ])

const TEMPLATE = 256
/** Element and length of each field: RFC 7012. */
const FIELDS = [
  ["sourceIPv4Address", 8, 4],
  ["destinationIPv4Address", 12, 4],
  ["octetDeltaCount", 1, 4],
  ["packetDeltaCount", 2, 4],
  ["sourceTransportPort", 7, 2],
  ["destinationTransportPort", 11, 2],
  ["protocolIdentifier", 4, 1],
  ["flowStartMilliseconds", 152, 8],
  ["flowEndMilliseconds", 153, 8]
] as const

const set = (id: number, content: Buffer): Buffer => Buffer.concat([u16(id, content.byteLength + 4), content])

/** The template and one flow, from host 7 to host 8. */
const ipfix = (network: string, nowMs: number, sequence: number): Buffer => {
  const template = Buffer.concat([u16(TEMPLATE, FIELDS.length), ...FIELDS.map(([, id, bytes]) => u16(id, bytes))])
  const flow = Buffer.concat([
    address(network, 7),
    address(network, 8),
    u32(BYTES, PACKETS),
    u16(SOURCE_PORT, TARGET_PORT),
    u8(TCP),
    u64(nowMs - LASTED_MS),
    u64(nowMs)
  ])
  const content = Buffer.concat([set(2, template), set(TEMPLATE, flow)])
  return Buffer.concat([u16(10, content.byteLength + 16), u32(Math.floor(nowMs / 1_000), sequence, 1), content])
}

/** Sends a flow of each kind at each call. */
export const startExporters = Effect.fnUntraced(function* (network: string, port: number) {
  const socket = yield* Effect.acquireRelease(
    Effect.sync(() => createSocket("udp4")),
    (open) => Effect.sync(() => open.close())
  )
  let sequence = 0
  return () => {
    const nowMs = Date.now()
    for (const packet of [netflow5, ipfix]) socket.send(packet(network, nowMs, sequence), port, "127.0.0.1")
    sequence += 1
  }
})
