/**
 * What the first bytes of a packet say of its flow: Ethernet with VLAN tags, IPv4, IPv6, ports. A packet may be cut
 * anywhere; then what stands behind is not known.
 */
import { type Datagram, Malformed, unsigned } from "./Datagram.ts"
import type { Flow } from "./flowMessage.ts"

/** Header protocols of sFlow. */
const [ETHERNET, IPV4_ONLY, IPV6_ONLY] = [1, 11, 12]
const [ETYPE_IPV4, ETYPE_IPV6] = [0x0800, 0x86dd]
const VLAN_TAGS: ReadonlySet<number> = new Set([0x8100, 0x88a8])
const VLAN_BITS = 0xfff
const [ICMP, TCP, UDP, ICMP6, SCTP] = [1, 6, 17, 58, 132]
const FRAGMENT_OFFSET_BITS = 0x1fff

export const readPacket = (packet: Datagram, protocol: number, flow: Flow): void => {
  try {
    if (protocol === ETHERNET) readEthernet(packet, flow)
    else if (protocol === IPV4_ONLY) readIp(packet, ETYPE_IPV4, flow)
    else if (protocol === IPV6_ONLY) readIp(packet, ETYPE_IPV6, flow)
  } catch (error) {
    if (!(error instanceof Malformed)) throw error
  }
}

const readEthernet = (packet: Datagram, flow: Flow): void => {
  flow.dstMac = unsigned(packet.take(6))
  flow.srcMac = unsigned(packet.take(6))
  let etype = packet.uint16()
  while (VLAN_TAGS.has(etype)) {
    flow.vlan = packet.uint16() & VLAN_BITS
    etype = packet.uint16()
  }
  readIp(packet, etype, flow)
}

const readIp = (packet: Datagram, etype: number, flow: Flow): void => {
  flow.etype = etype
  if (etype === ETYPE_IPV4) readIpv4(packet, flow)
  else if (etype === ETYPE_IPV6) readIpv6(packet, flow)
}

const readIpv4 = (packet: Datagram, flow: Flow): void => {
  const headerBytes = (packet.uint8() & 0xf) * 4
  flow.tos = packet.uint8()
  packet.take(4)
  const isFirst = (packet.uint16() & FRAGMENT_OFFSET_BITS) === 0
  flow.ttl = packet.uint8()
  flow.proto = packet.uint8()
  packet.take(2)
  flow.srcAddr = packet.take(4)
  flow.dstAddr = packet.take(4)
  packet.take(Math.max(0, headerBytes - 20))
  if (isFirst) readTransport(packet, flow)
}

const readIpv6 = (packet: Datagram, flow: Flow): void => {
  const first = packet.uint32()
  flow.tos = (first >>> 20) & 0xff
  flow.flowLabel = first & 0xfffff
  packet.take(2)
  flow.proto = packet.uint8()
  flow.ttl = packet.uint8()
  flow.srcAddr = packet.take(16)
  flow.dstAddr = packet.take(16)
  readTransport(packet, flow)
}

const readTransport = (packet: Datagram, flow: Flow): void => {
  if (flow.proto === ICMP || flow.proto === ICMP6) {
    flow.icmpType = packet.uint8()
    flow.icmpCode = packet.uint8()
  } else if (flow.proto === TCP || flow.proto === UDP || flow.proto === SCTP) {
    flow.srcPort = packet.uint16()
    flow.dstPort = packet.uint16()
    if (flow.proto !== TCP) return
    packet.take(9)
    flow.tcpFlags = packet.uint8()
  }
}
