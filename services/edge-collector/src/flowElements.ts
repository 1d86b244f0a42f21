/**
 * What the information elements of IPFIX, which are also NetFlow 9's, say of a flow.
 */
import { Malformed, unsigned } from "./Datagram.ts"
import type { Flow } from "./flowMessage.ts"

const UINT32_MAX = 4_294_967_295n

/** What 32 bits hold, or their largest. */
export const small = (bytes: Uint8Array): number => {
  const value = unsigned(bytes)
  return Number(value > UINT32_MAX ? UINT32_MAX : value)
}

const port = (bytes: Uint8Array): number => small(bytes) & 0xffff

/** Exporters give times in several ways; these are known when the record has been read. */
export interface Times {
  boot: bigint
  startUp?: bigint
  endUp?: bigint
  start?: bigint
  end?: bigint
}

const IPV4 = 0x0800
const IPV6 = 0x86dd
const MILLISECOND_NS = 1_000_000n
const SECOND_NS = 1_000_000_000n
/** Seconds from 1900, where NTP counts from, to 1970. */
const NTP_OFFSET_S = 2_208_988_800n
const INT64_MAX = 2n ** 63n - 1n

const scaled = (bytes: Uint8Array, unitNs: bigint): bigint => {
  const ns = unsigned(bytes) * unitNs
  return ns > INT64_MAX ? 0n : ns
}

/** Seconds in the upper 32 bits, their fraction in the lower. */
const ntp = (bytes: Uint8Array): bigint => {
  const value = unsigned(bytes)
  const seconds = (value >> 32n) - NTP_OFFSET_S
  return seconds <= 0n ? 0n : seconds * SECOND_NS + (((value & UINT32_MAX) * SECOND_NS) >> 32n)
}

const int64 = (bytes: Uint8Array): bigint => {
  const value = unsigned(bytes)
  return value > INT64_MAX ? INT64_MAX : value
}

const address = (bytes: Buffer, length: 4 | 16): Buffer => {
  if (bytes.byteLength !== length) throw new Malformed(`an address of ${bytes.byteLength} bytes, not ${length}`)
  return bytes
}

const MAC_MAX = 2n ** 48n - 1n
const mac = (bytes: Uint8Array): bigint => unsigned(bytes) & MAC_MAX

/** By number of the IANA registry "IPFIX Information Elements"; those of NetFlow 9 are the same. */
const ELEMENTS: Readonly<Record<number, (flow: Flow, value: Buffer, times: Times) => void>> = {
  1: (flow, value) => {
    flow.bytes = int64(value)
  },
  2: (flow, value) => {
    flow.packets = int64(value)
  },
  4: (flow, value) => {
    flow.proto = small(value) & 0xff
  },
  5: (flow, value) => {
    flow.tos = small(value)
  },
  6: (flow, value) => {
    flow.tcpFlags = small(value)
  },
  7: (flow, value) => {
    flow.srcPort = port(value)
  },
  8: (flow, value) => {
    flow.srcAddr = address(value, 4)
    flow.etype ||= IPV4
  },
  9: (flow, value) => {
    flow.srcNet = small(value)
  },
  10: (flow, value) => {
    flow.inIf = small(value)
  },
  11: (flow, value) => {
    flow.dstPort = port(value)
  },
  12: (flow, value) => {
    flow.dstAddr = address(value, 4)
    flow.etype ||= IPV4
  },
  13: (flow, value) => {
    flow.dstNet = small(value)
  },
  14: (flow, value) => {
    flow.outIf = small(value)
  },
  15: (flow, value) => {
    flow.nextHop = address(value, 4)
  },
  16: (flow, value) => {
    flow.srcAs = small(value)
  },
  17: (flow, value) => {
    flow.dstAs = small(value)
  },
  21: (_, value, times) => {
    times.endUp = unsigned(value) & UINT32_MAX
  },
  22: (_, value, times) => {
    times.startUp = unsigned(value) & UINT32_MAX
  },
  27: (flow, value) => {
    flow.srcAddr = address(value, 16)
    flow.etype ||= IPV6
  },
  28: (flow, value) => {
    flow.dstAddr = address(value, 16)
    flow.etype ||= IPV6
  },
  29: (flow, value) => {
    flow.srcNet = small(value)
  },
  30: (flow, value) => {
    flow.dstNet = small(value)
  },
  31: (flow, value) => {
    flow.flowLabel = small(value)
  },
  32: (flow, value) => {
    flow.icmpType = (small(value) >>> 8) & 0xff
    flow.icmpCode = small(value) & 0xff
  },
  34: (flow, value) => {
    flow.samplingRate = small(value)
  },
  56: (flow, value) => {
    flow.srcMac = mac(value)
  },
  58: (flow, value) => {
    flow.vlan = small(value) & 0xffff
  },
  62: (flow, value) => {
    flow.nextHop = address(value, 16)
  },
  80: (flow, value) => {
    flow.dstMac = mac(value)
  },
  150: (_, value, times) => {
    times.start = scaled(value, SECOND_NS)
  },
  151: (_, value, times) => {
    times.end = scaled(value, SECOND_NS)
  },
  152: (_, value, times) => {
    times.start = scaled(value, MILLISECOND_NS)
  },
  153: (_, value, times) => {
    times.end = scaled(value, MILLISECOND_NS)
  },
  154: (_, value, times) => {
    times.start = ntp(value)
  },
  155: (_, value, times) => {
    times.end = ntp(value)
  },
  156: (_, value, times) => {
    times.start = ntp(value)
  },
  157: (_, value, times) => {
    times.end = ntp(value)
  },
  160: (_, value, times) => {
    times.boot = scaled(value, MILLISECOND_NS)
  },
  192: (flow, value) => {
    flow.ttl = small(value) & 0xff
  },
  256: (flow, value) => {
    flow.etype = small(value) & 0xffff
  }
}

/** Puts what an element says into the flow, or its times beside it; elements that no flow has are left out. */
export const readElement = (flow: Flow, times: Times, element: number, value: Buffer): void =>
  ELEMENTS[element]?.(flow, value, times)
