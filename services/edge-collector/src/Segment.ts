/**
 * One file of the buffer: messages one after another, each as length (4 bytes, little endian), CRC-32 of what follows
 * (4 bytes), length of the subject (1 byte), subject, payload. The file's name is the sequence of its first message.
 */
import { type FileHandle, open } from "node:fs/promises"
import { join } from "node:path"
import { crc32 } from "node:zlib"

/** What a listener hands in. */
export interface Message {
  /** A base subject, `logs.syslog`. */
  readonly subject: string
  readonly payload: Uint8Array
}

/** A message as the buffer has it. */
export interface StoredMessage extends Message {
  readonly sequence: number
  readonly crc: number
  /** Where the next message begins in its file. */
  readonly endOffset: number
}

export const HEADER_BYTES = 8
const SUBJECT_LENGTH_BYTES = 1
const SUFFIX = ".segment"
const DIGITS = 16

/** A file of the buffer: which messages it holds, and how many of its bytes count. */
export interface Segment {
  readonly path: string
  readonly firstSequence: number
  /** One above the last message's sequence. */
  endSequence: number
  /** What lies behind was never committed. */
  bytes: number
}

export const segmentPath = (folder: string, firstSequence: number): string =>
  join(folder, `${String(firstSequence).padStart(DIGITS, "0")}${SUFFIX}`)

/** The sequence that a file's name says, or undefined for files that are no segments. */
export const sequenceOfName = (name: string): number | undefined =>
  name.length === DIGITS + SUFFIX.length && /^\d+\.segment$/.test(name) ? Number.parseInt(name, 10) : undefined

export const encodedBytes = ({ subject, payload }: Message): number =>
  HEADER_BYTES + SUBJECT_LENGTH_BYTES + subject.length + payload.byteLength

/** A message as bytes; its subject is ASCII of at most 255 characters. */
export const encodeMessage = (message: Message): Buffer => {
  const bytes = Buffer.allocUnsafe(encodedBytes(message))
  const body = bytes.subarray(HEADER_BYTES)
  bytes.writeUInt32LE(body.byteLength, 0)
  body.writeUInt8(message.subject.length, 0)
  body.write(message.subject, SUBJECT_LENGTH_BYTES, "latin1")
  body.set(message.payload, SUBJECT_LENGTH_BYTES + message.subject.length)
  bytes.writeUInt32LE(crc32(body), 4)
  return bytes
}

/** The message at the start of `bytes`: undefined where its end is not there, `corrupt` where it is not what was written. */
export const decodeMessage = (
  bytes: Buffer,
  sequence: number,
  offset: number
): StoredMessage | "corrupt" | undefined => {
  if (bytes.byteLength < HEADER_BYTES) return undefined
  const length = bytes.readUInt32LE(0)
  if (length < SUBJECT_LENGTH_BYTES) return "corrupt"
  if (bytes.byteLength < HEADER_BYTES + length) return undefined
  const body = bytes.subarray(HEADER_BYTES, HEADER_BYTES + length)
  const crc = bytes.readUInt32LE(4)
  if (crc32(body) !== crc) return "corrupt"
  const payloadAt = SUBJECT_LENGTH_BYTES + body.readUInt8(0)
  if (payloadAt > length) return "corrupt"
  const subject = body.toString("latin1", SUBJECT_LENGTH_BYTES, payloadAt)
  return { sequence, subject, payload: body.subarray(payloadAt), crc, endOffset: offset + HEADER_BYTES + length }
}

/** How much of a file is read at a time. */
const CHUNK_BYTES = 1024 * 1024

/**
 * The messages of an open segment from `offset` on, as many as fit in about a chunk, and at least one where there is
 * one. `corrupt` is true where the file is damaged behind them.
 */
export const readMessages = async (
  handle: FileHandle,
  segment: Segment,
  from: { readonly sequence: number; readonly offset: number },
  countMax: number
): Promise<{ readonly messages: ReadonlyArray<StoredMessage>; readonly corrupt: boolean }> => {
  const messages: Array<StoredMessage> = []
  let bytes = await readAt(handle, from.offset, Math.min(CHUNK_BYTES, segment.bytes - from.offset))
  const neededBytes = bytes.byteLength < HEADER_BYTES ? 0 : HEADER_BYTES + bytes.readUInt32LE(0)
  if (neededBytes > segment.bytes - from.offset) return { messages, corrupt: true }
  if (neededBytes > bytes.byteLength) bytes = await readAt(handle, from.offset, neededBytes)
  let { sequence, offset } = from
  while (messages.length < countMax && sequence < segment.endSequence) {
    const message = decodeMessage(bytes.subarray(offset - from.offset), sequence, offset)
    if (message === "corrupt") return { messages, corrupt: true }
    if (message === undefined) break
    messages.push(message)
    offset = message.endOffset
    sequence += 1
  }
  return { messages, corrupt: messages.length === 0 && sequence < segment.endSequence }
}

const readAt = async (handle: FileHandle, offset: number, length: number): Promise<Buffer> => {
  const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(Math.max(0, length)), 0, length, offset)
  return buffer.subarray(0, bytesRead)
}

/** Finds out what a file holds: everything up to the first message that is not whole. */
export const scanSegment = async (path: string, firstSequence: number): Promise<Segment> => {
  const handle = await open(path, "r")
  try {
    const { size } = await handle.stat()
    const everything: Segment = { path, firstSequence, endSequence: Number.MAX_SAFE_INTEGER, bytes: size }
    let sequence = firstSequence
    let offset = 0
    while (offset < size) {
      const { messages } = await readMessages(handle, everything, { sequence, offset }, Number.POSITIVE_INFINITY)
      const last = messages.at(-1)
      if (last === undefined) break
      sequence = last.sequence + 1
      offset = last.endOffset
    }
    return { path, firstSequence, endSequence: sequence, bytes: offset }
  } finally {
    await handle.close()
  }
}
