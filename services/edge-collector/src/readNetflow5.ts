/**
 * NetFlow version 5: a header of 24 bytes and up to 30 records of 48. (Cisco, "NetFlow Export Datagram Format".)
 */
import { type Datagram, Malformed } from "./Datagram.ts"
import { emptyFlow, FLOW_TYPES, type Flow } from "./flowMessage.ts"

const RECORDS_MAX = 30
const SAMPLING_RATE_BITS = 0x3fff
const IPV4 = 0x0800

/** How a datagram came. */
export interface Exported {
  /** Address of the exporter, 4 or 16 bytes. */
  readonly exporter: Uint8Array
  readonly receivedNs: bigint
}

/** When the exporter started: its clock less its uptime; flows count milliseconds from there. */
export const bootNs = (seconds: number, nanoseconds: number, upTimeMs: number): bigint =>
  BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds) - BigInt(upTimeMs) * 1_000_000n

/** A time of the exporter's that would lie before 1970 is none. */
export const sinceBoot = (boot: bigint, upTimeMs: number | bigint): bigint => {
  const ns = boot + BigInt(upTimeMs) * 1_000_000n
  return ns > 0n ? ns : 0n
}

/** The flows of a datagram whose version has been read. */
export const readNetflow5 = (datagram: Datagram, { exporter, receivedNs }: Exported): ReadonlyArray<Flow> => {
  const count = datagram.uint16()
  if (count > RECORDS_MAX) throw new Malformed(`${count} records, and NetFlow 5 has at most ${RECORDS_MAX}`)
  const upTimeMs = datagram.uint32()
  const boot = bootNs(datagram.uint32(), datagram.uint32(), upTimeMs)
  const sequence = datagram.uint32()
  const observationDomain = datagram.uint16()
  const samplingRate = datagram.uint16() & SAMPLING_RATE_BITS
  return Array.from({ length: count }, () => {
    const origin = { type: FLOW_TYPES.netflow5, samplerAddress: exporter, receivedNs, sequence }
    return readRecord(datagram, { ...emptyFlow(origin), samplingRate, observationDomain, etype: IPV4 }, boot)
  })
}

const readRecord = (datagram: Datagram, flow: Flow, boot: bigint): Flow => {
  flow.srcAddr = datagram.take(4)
  flow.dstAddr = datagram.take(4)
  flow.nextHop = datagram.take(4)
  flow.inIf = datagram.uint16()
  flow.outIf = datagram.uint16()
  flow.packets = BigInt(datagram.uint32())
  flow.bytes = BigInt(datagram.uint32())
  flow.startNs = sinceBoot(boot, datagram.uint32())
  flow.endNs = sinceBoot(boot, datagram.uint32())
  flow.srcPort = datagram.uint16()
  flow.dstPort = datagram.uint16()
  datagram.take(1)
  flow.tcpFlags = datagram.uint8()
  flow.proto = datagram.uint8()
  flow.tos = datagram.uint8()
  flow.srcAs = datagram.uint16()
  flow.dstAs = datagram.uint16()
  flow.srcNet = datagram.uint8()
  flow.dstNet = datagram.uint8()
  datagram.take(2)
  return flow
}
