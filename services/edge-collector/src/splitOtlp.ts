/**
 * Cuts an OTLP export request in protobuf into requests that fit a message. Requests for logs, metrics and traces have
 * one shape: field 1 repeats resources; a resource repeats scopes in field 2; a scope repeats records in field 2; whatever
 * else stands there belongs to every part. (opentelemetry-proto 1.x, `collector/*_service.proto`.)
 */
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire"

/** The parts, and how many records fit into none. */
export interface SplitRequest {
  readonly parts: ReadonlyArray<Uint8Array>
  readonly rejected: number
}

/** Levels of nesting: resources, scopes, records. */
type Level = "request" | "resource" | "scope"

const REPEATED: Readonly<Record<Level, { readonly field: number; readonly inner: Level | undefined }>> = {
  request: { field: 1, inner: "resource" },
  resource: { field: 2, inner: "scope" },
  scope: { field: 2, inner: undefined }
}

/** Throws where the bytes are no protobuf. */
export const splitOtlp = (request: Uint8Array, bytesMax: number): SplitRequest => {
  if (request.byteLength <= bytesMax) return { parts: [request], rejected: 0 }
  return split(request, "request", bytesMax)
}

/** A tag and a length take this much at most. */
const ENVELOPE_BYTES = 6

const split = (bytes: Uint8Array, level: Level, bytesMax: number): SplitRequest => {
  const { field, inner } = REPEATED[level]
  const { common, items } = takeApart(bytes, field)
  const roomBytes = bytesMax - common.byteLength - ENVELOPE_BYTES
  let rejected = 0
  const fitting = items.flatMap((item): ReadonlyArray<Uint8Array> => {
    if (item.byteLength + ENVELOPE_BYTES <= roomBytes) return [item]
    if (inner === undefined || roomBytes <= 0) {
      rejected += inner === undefined ? 1 : countRecords(item, inner)
      return []
    }
    const cut = split(item, inner, roomBytes - ENVELOPE_BYTES)
    rejected += cut.rejected
    return cut.parts
  })
  return { parts: packed(fitting, roomBytes).map((group) => putTogether(common, field, group)), rejected }
}

const countRecords = (bytes: Uint8Array, level: Level): number => {
  const { field, inner } = REPEATED[level]
  const { items } = takeApart(bytes, field)
  return inner === undefined ? items.length : items.reduce((sum, item) => sum + countRecords(item, inner), 0)
}

/** The repeated field's values, and everything else as it is. */
const takeApart = (bytes: Uint8Array, field: number) => {
  const reader = new BinaryReader(bytes)
  const items: Array<Uint8Array> = []
  const others: Array<Uint8Array> = []
  while (reader.pos < reader.len) {
    const start = reader.pos
    const [number, type] = reader.tag()
    if (number === field && type === WireType.LengthDelimited) items.push(reader.bytes())
    else {
      reader.skip(type, number)
      others.push(bytes.subarray(start, reader.pos))
    }
  }
  return { items, common: Buffer.concat(others) }
}

/** Neighbours together, as many as there is room for. */
const packed = (items: ReadonlyArray<Uint8Array>, roomBytes: number) => {
  const groups: Array<Array<Uint8Array>> = []
  let left = 0
  for (const item of items) {
    const bytes = item.byteLength + ENVELOPE_BYTES
    const group = groups.at(-1)
    if (group === undefined || bytes > left) {
      groups.push([item])
      left = roomBytes - bytes
    } else {
      group.push(item)
      left -= bytes
    }
  }
  return groups
}

const putTogether = (common: Uint8Array, field: number, items: ReadonlyArray<Uint8Array>): Uint8Array => {
  const writer = new BinaryWriter()
  writer.raw(common)
  for (const item of items) writer.tag(field, WireType.LengthDelimited).bytes(item)
  return writer.finish()
}
