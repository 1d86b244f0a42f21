/**
 * A flow, and its FlowMessage in protobuf, as goflow2 and its readers know it: one flow a message, without its length.
 */
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire"

/** FlowMessage's `FlowType`. */
export const FLOW_TYPES = { sflow5: 1, netflow5: 2, netflow9: 3, ipfix: 4 } as const

/** Numbers are 0, and addresses empty, where the exporter says nothing. Addresses have 4 or 16 bytes. */
export interface Flow {
  type: number
  samplingRate: number
  sequence: number
  samplerAddress: Uint8Array
  observationDomain: number
  /** Nanoseconds since 1970. */
  receivedNs: bigint
  startNs: bigint
  endNs: bigint
  srcAddr: Uint8Array
  dstAddr: Uint8Array
  nextHop: Uint8Array
  bytes: bigint
  packets: bigint
  srcAs: number
  dstAs: number
  srcNet: number
  dstNet: number
  inIf: number
  outIf: number
  proto: number
  srcPort: number
  dstPort: number
  tos: number
  ttl: number
  tcpFlags: number
  srcMac: bigint
  dstMac: bigint
  vlan: number
  etype: number
  icmpType: number
  icmpCode: number
  flowLabel: number
}

const NOTHING = new Uint8Array()

/** A flow of which nothing is known but how it came. */
export const emptyFlow = (origin: Pick<Flow, "type" | "samplerAddress" | "receivedNs" | "sequence">): Flow => ({
  samplingRate: 0,
  observationDomain: 0,
  startNs: 0n,
  endNs: 0n,
  srcAddr: NOTHING,
  dstAddr: NOTHING,
  nextHop: NOTHING,
  bytes: 0n,
  packets: 0n,
  srcAs: 0,
  dstAs: 0,
  srcNet: 0,
  dstNet: 0,
  inIf: 0,
  outIf: 0,
  proto: 0,
  srcPort: 0,
  dstPort: 0,
  tos: 0,
  ttl: 0,
  tcpFlags: 0,
  srcMac: 0n,
  dstMac: 0n,
  vlan: 0,
  etype: 0,
  icmpType: 0,
  icmpCode: 0,
  flowLabel: 0,
  ...origin
})

/** Field numbers of FlowMessage, goflow2 2.2. */
const FIELDS: ReadonlyArray<readonly [keyof Flow, number]> = [
  ["type", 1],
  ["samplingRate", 3],
  ["sequence", 4],
  ["srcAddr", 6],
  ["dstAddr", 7],
  ["bytes", 9],
  ["packets", 10],
  ["samplerAddress", 11],
  ["nextHop", 12],
  ["srcAs", 14],
  ["dstAs", 15],
  ["srcNet", 16],
  ["dstNet", 17],
  ["inIf", 18],
  ["outIf", 19],
  ["proto", 20],
  ["srcPort", 21],
  ["dstPort", 22],
  ["tos", 23],
  ["ttl", 25],
  ["tcpFlags", 26],
  ["srcMac", 27],
  ["dstMac", 28],
  ["vlan", 29],
  ["etype", 30],
  ["icmpType", 31],
  ["icmpCode", 32],
  ["flowLabel", 37],
  ["observationDomain", 70],
  ["receivedNs", 110],
  ["startNs", 111],
  ["endNs", 112]
]

export const encodeFlow = (flow: Flow): Uint8Array => {
  const writer = new BinaryWriter()
  for (const [name, field] of FIELDS) {
    const value = flow[name]
    if (typeof value === "object") {
      if (value.byteLength > 0) writer.tag(field, WireType.LengthDelimited).bytes(value)
    } else if (value) writer.tag(field, WireType.Varint).uint64(value.toString())
  }
  return writer.finish()
}
