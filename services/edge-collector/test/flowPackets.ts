/** Datagrams as exporters write them. */
const u8 = (...values: ReadonlyArray<number>) => Buffer.from(values)
const u16 = (...values: ReadonlyArray<number>) =>
  Buffer.concat(values.map((value) => Buffer.from([value >> 8, value & 255])))
const u32 = (...values: ReadonlyArray<number>) =>
  Buffer.concat(
    values.map((value) => {
      const bytes = Buffer.alloc(4)
      bytes.writeUInt32BE(value)
      return bytes
    })
  )
const all = (...parts: ReadonlyArray<Buffer>) => Buffer.concat(parts)

/** 2026-01-14T10:00:00Z. */
export const AT_S = 1_768_384_800
const ADDRESSES = u8(10, 0, 0, 1, 10, 0, 0, 2)

/** One flow of 1500 bytes in 3 packets, TCP 443 to 51000, that began two seconds before. */
export const netflow5 = all(
  u16(5, 1),
  u32(10_000, AT_S, 0, 7),
  u8(0, 0),
  u16(0x4000 | 100),
  ADDRESSES,
  u8(0, 0, 0, 0),
  u16(3, 4),
  u32(3, 1_500, 8_000, 9_000),
  u16(443, 51_000),
  u8(0, 0x12, 6, 0),
  u16(65_001, 65_002),
  u8(24, 16, 0, 0)
)

/** Source, destination, bytes, packets, ports, protocol; with the times given, 45 bytes or so in all. */
const fields = (...more: ReadonlyArray<readonly [number, number]>) => {
  const list = [[8, 4], [12, 4], [1, 4], [2, 4], [7, 2], [11, 2], [4, 1], ...more] as const
  return all(u16(256, list.length), ...list.map(([element, length]) => u16(element, length)))
}
const values = all(ADDRESSES, u32(1_500, 3), u16(443, 51_000), u8(6))
const set = (id: number, content: Buffer) => all(u16(id, content.byteLength + 4), content)

const header9 = (count: number) => all(u16(9, count), u32(10_000, AT_S, 7, 42))
export const netflow9Template = all(header9(1), set(0, fields([22, 4], [21, 4])))
export const netflow9Data = all(header9(1), set(256, all(values, u32(8_000, 9_000), u8(0, 0, 0))))
/** Says that one packet of 64 is looked at: scope system, element 34. */
export const netflow9Sampling = all(
  header9(2),
  set(1, all(u16(300, 4, 4), u16(1, 4), u16(34, 4), u8(0, 0))),
  set(300, u32(1, 64))
)

const ipfix = (content: Buffer) => all(u16(10, content.byteLength + 16), u32(AT_S, 7, 42), content)
const ms = (value: number) => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(value))
  return bytes
}
/** With a vendor's element of variable length in between. */
export const ipfixBoth = ipfix(
  all(
    set(2, all(u16(256, 10), u16(0x8001, 0xffff), u32(29_305), fields([152, 8], [153, 8]).subarray(4))),
    set(256, all(u8(3), Buffer.from("abc"), values, ms(AT_S * 1_000 - 2_000), ms(AT_S * 1_000 - 1_000)))
  )
)

const ethernet = all(u8(2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1), u16(0x8100, 77, 0x0800))
const ip = all(u8(0x45, 0), u16(1_000, 1, 0), u8(63, 6), u16(0), ADDRESSES)
const tcp = all(u16(443, 51_000), u32(1, 2), u8(0x50, 0x12), u16(0, 0, 0))
const packet = all(ethernet, ip, tcp)
const padded = all(packet, Buffer.alloc((4 - (packet.byteLength % 4)) % 4))
const raw = all(u32(1, 1_018, 4, packet.byteLength), padded)
const sample = all(u32(1, 5, 512, 1_000, 0, 3, 4, 1), u32(1, raw.byteLength), raw)
export const sflow = all(u32(5, 1), u8(10, 9, 9, 9), u32(0, 7, 10_000, 1), u32(1, sample.byteLength), sample)
