/**
 * Writes a database of addresses in the format .mmdb, with a few networks of a test's own.
 */
import { writeFileSync } from "node:fs"
import { isIP } from "node:net"

/** What is known of a network: nested maps of texts and numbers up to 2³². */
export interface GeoValue {
  readonly [name: string]: string | number | GeoValue
}

const ADDRESS_BITS = 128
const RECORD_BYTES = 3
const SEPARATOR_BYTES = 16
const MARKER = Buffer.concat([Buffer.from([0xab, 0xcd, 0xef]), Buffer.from("MaxMind.com")])

const TYPES = { text: 2, uint16: 5, uint32: 6, map: 7, uint64: 9, list: 11 } as const
const EXTENDED = 7

/** Type and size of what follows; sizes up to 28 stand in one byte. */
const control = (type: number, size: number): Buffer => {
  if (size > 284) throw new Error(`${size} is too long for a database of a test`)
  const [short, rest] = size < 29 ? [size, []] : [29, [size - 29]]
  return Buffer.from(type > EXTENDED ? [short, type - EXTENDED, ...rest] : [(type << 5) | short, ...rest])
}

const number = (type: number, value: number, bytes: number): Buffer => {
  const written = Buffer.alloc(bytes)
  written.writeUIntBE(value, 0, bytes)
  return Buffer.concat([control(type, bytes), written])
}

const text = (value: string): Buffer =>
  Buffer.concat([control(TYPES.text, Buffer.byteLength(value)), Buffer.from(value)])

const encode = (value: string | number | GeoValue): Buffer => {
  if (typeof value === "string") return text(value)
  if (typeof value === "number") return number(TYPES.uint32, value, 4)
  return map(Object.entries(value).map(([name, inner]) => [name, encode(inner)]))
}

const map = (entries: ReadonlyArray<readonly [string, Buffer]>): Buffer =>
  Buffer.concat([control(TYPES.map, entries.length), ...entries.flatMap(([name, inner]) => [text(name), inner])])

const metadata = (nodes: number, type: string): Buffer =>
  map([
    ["node_count", number(TYPES.uint32, nodes, 4)],
    ["record_size", number(TYPES.uint16, 8 * RECORD_BYTES, 2)],
    ["ip_version", number(TYPES.uint16, 6, 2)],
    ["database_type", text(type)],
    ["languages", control(TYPES.list, 0)],
    ["binary_format_major_version", number(TYPES.uint16, 2, 2)],
    ["binary_format_minor_version", number(TYPES.uint16, 0, 2)],
    ["build_epoch", number(TYPES.uint64, 1_790_000_000, 6)],
    ["description", map([["en", text("of a test")]])]
  ])

/** The bits of a network's address; IPv4 lies under the first 96 bits of IPv6, all zero. */
const bitsOf = (network: string): string => {
  const [address = "", length = ""] = network.split("/")
  if (isIP(address) !== 4) throw new Error(`"${network}" is no network of IPv4`)
  const bits = address.split(".").map((part) => Number(part).toString(2).padStart(8, "0"))
  return `${"0".repeat(ADDRESS_BITS - 32)}${bits.join("").slice(0, Number(length))}`
}

type Child = { readonly node: number } | { readonly data: number } | undefined

/** Writes what is known of networks of IPv4, which do not overlap. */
export const writeGeoDatabase = (file: string, type: string, networks: Readonly<Record<string, GeoValue>>): void => {
  const nodes: Array<[Child, Child]> = [[undefined, undefined]]
  const values: Array<Buffer> = []
  let dataBytes = 0
  for (const [network, value] of Object.entries(networks)) {
    const bits = [...bitsOf(network)].map(Number) as Array<0 | 1>
    let at = 0
    for (const bit of bits.slice(0, -1)) {
      const node = nodes[at] as [Child, Child]
      const next = node[bit] ?? { node: nodes.push([undefined, undefined]) - 1 }
      if (!("node" in next)) throw new Error(`"${network}" overlaps another network`)
      node[bit] = next
      at = next.node
    }
    const encoded = encode(value)
    ;(nodes[at] as [Child, Child])[bits.at(-1) as 0 | 1] = { data: dataBytes }
    values.push(encoded)
    dataBytes += encoded.byteLength
  }
  const recordOf = (child: Child): number => {
    if (child === undefined) return nodes.length
    return "node" in child ? child.node : nodes.length + SEPARATOR_BYTES + child.data
  }
  const tree = Buffer.alloc(nodes.length * 2 * RECORD_BYTES)
  for (const [index, children] of nodes.entries()) {
    for (const side of [0, 1] as const) {
      tree.writeUIntBE(recordOf(children[side]), (2 * index + side) * RECORD_BYTES, RECORD_BYTES)
    }
  }
  const separator = Buffer.alloc(SEPARATOR_BYTES)
  writeFileSync(file, Buffer.concat([tree, separator, ...values, MARKER, metadata(nodes.length, type)]))
}
