/**
 * Writes a capture of IPv4 packets, as tcpdump would have seen them on an Ethernet.
 */
import { writeFileSync } from "node:fs"

export interface CapturedPacket {
  /** Milliseconds since 1970. */
  readonly atMs: number
  readonly source: string
  readonly destination: string
  readonly protocol: "tcp" | "udp"
  readonly sourcePort: number
  readonly destinationPort: number
  /** Of IP header, transport header and payload. */
  readonly bytes: number
}

const PROTOCOLS = { tcp: 6, udp: 17 } as const
const ETHERNET = 1
const SNAP_BYTES = 65_535
const IP_HEADER_BYTES = 20
const ACK = 0x10

const fileHeader = (): Buffer => {
  const header = Buffer.alloc(24)
  header.writeUInt32LE(0xa1b2c3d4, 0)
  header.writeUInt16LE(2, 4)
  header.writeUInt16LE(4, 6)
  header.writeUInt32LE(SNAP_BYTES, 16)
  header.writeUInt32LE(ETHERNET, 20)
  return header
}

const ethernet = (): Buffer => {
  const header = Buffer.alloc(14, 2)
  header.writeUInt16BE(0x0800, 12)
  return header
}

const ip = ({ source, destination, protocol, bytes }: CapturedPacket): Buffer => {
  const header = Buffer.alloc(IP_HEADER_BYTES)
  header.writeUInt8(0x45, 0)
  header.writeUInt16BE(bytes, 2)
  header.writeUInt8(64, 8)
  header.writeUInt8(PROTOCOLS[protocol], 9)
  header.set(source.split(".").map(Number), 12)
  header.set(destination.split(".").map(Number), 16)
  return header
}

const transport = ({ protocol, sourcePort, destinationPort, bytes }: CapturedPacket): Buffer => {
  const rest = Buffer.alloc(bytes - IP_HEADER_BYTES)
  rest.writeUInt16BE(sourcePort, 0)
  rest.writeUInt16BE(destinationPort, 2)
  if (protocol === "udp") rest.writeUInt16BE(rest.byteLength, 4)
  else rest.writeUInt16BE(0x5000 | ACK, 12)
  return rest
}

const recordOf = (packet: CapturedPacket): Buffer => {
  const frame = Buffer.concat([ethernet(), ip(packet), transport(packet)])
  const header = Buffer.alloc(16)
  header.writeUInt32LE(Math.floor(packet.atMs / 1_000), 0)
  header.writeUInt32LE((packet.atMs % 1_000) * 1_000, 4)
  header.writeUInt32LE(frame.byteLength, 8)
  header.writeUInt32LE(frame.byteLength, 12)
  return Buffer.concat([header, frame])
}

export const writePcap = (file: string, packets: ReadonlyArray<CapturedPacket>): void =>
  writeFileSync(file, Buffer.concat([fileHeader(), ...packets.map(recordOf)]))
