/**
 * Cuts a stream of syslog into messages, RFC 6587: each begins with its length (`42 <34>1 …`) or ends with a line feed
 * or NUL, and a sender may do now this, now that. A message that is longer than the limit is cut there, and the rest of
 * it skipped, so that a connection never holds more than one message of that length.
 */

/** A message, and whether its end was cut off. */
export interface Frame {
  readonly bytes: Uint8Array
  readonly isTruncated: boolean
}

const [LINE_FEED, NUL, BLANK, ZERO, NINE] = [0x0a, 0x00, 0x20, 0x30, 0x39]
/** More digits are no length. */
const LENGTH_DIGITS_MAX = 7

export class SyslogFrames {
  readonly #bytesMax: number
  #held: Buffer = Buffer.alloc(0)
  /** Of the message before, still to be thrown away: so many bytes, or everything up to the end of the line. */
  #skip: number | "line" = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** The messages that are whole, or too long, now that `chunk` has come. */
  push(chunk: Uint8Array): ReadonlyArray<Frame> {
    this.#held = this.#held.byteLength === 0 ? Buffer.from(chunk) : Buffer.concat([this.#held, chunk])
    const frames: Array<Frame> = []
    while (this.#skipRest()) {
      const frame = this.#next()
      if (frame === undefined) break
      if (frame.bytes.byteLength > 0) frames.push(frame)
    }
    // A copy, so that a few bytes do not keep the whole chunk.
    this.#held = Buffer.from(this.#held)
    return frames
  }

  /** What the connection's end leaves: a last line without its line feed. */
  end(): ReadonlyArray<Frame> {
    const bytes = this.#held
    this.#held = Buffer.alloc(0)
    return bytes.byteLength === 0 ? [] : [{ bytes, isTruncated: this.#countedLength(bytes) !== undefined }]
  }

  /** Whether nothing is left to be skipped. */
  #skipRest(): boolean {
    if (this.#skip === "line") {
      const end = endOfLine(this.#held)
      this.#held = end === -1 ? Buffer.alloc(0) : this.#held.subarray(end + 1)
      if (end === -1) return false
      this.#skip = 0
    } else if (this.#skip > 0) {
      const skipped = Math.min(this.#skip, this.#held.byteLength)
      this.#held = this.#held.subarray(skipped)
      this.#skip -= skipped
      if (this.#skip > 0) return false
    }
    return this.#held.byteLength > 0
  }

  #next(): Frame | undefined {
    const counted = this.#countedLength(this.#held)
    if (counted === "unknown") return undefined
    return counted === undefined ? this.#nextLine() : this.#nextCounted(counted.start, counted.length)
  }

  #nextLine(): Frame | undefined {
    const end = endOfLine(this.#held.subarray(0, this.#bytesMax + 1))
    if (end !== -1) return { bytes: this.#take(end, end + 1), isTruncated: false }
    if (this.#held.byteLength <= this.#bytesMax) return undefined
    this.#skip = "line"
    return { bytes: this.#take(this.#bytesMax, this.#bytesMax), isTruncated: true }
  }

  #nextCounted(start: number, length: number): Frame | undefined {
    const kept = Math.min(length, this.#bytesMax)
    if (this.#held.byteLength < start + kept) return undefined
    this.#held = this.#held.subarray(start)
    this.#skip = length - kept
    return { bytes: this.#take(kept, kept), isTruncated: kept < length }
  }

  #take(bytes: number, consumed: number): Uint8Array {
    const taken = this.#held.subarray(0, bytes)
    this.#held = this.#held.subarray(consumed)
    return taken
  }

  /** The length at the start of `bytes`; `unknown` while its blank has not come; undefined where there is none. */
  #countedLength(bytes: Buffer): { readonly start: number; readonly length: number } | "unknown" | undefined {
    let digits = 0
    while (digits < bytes.byteLength && isDigit(bytes[digits], digits)) digits += 1
    if (digits === 0 || digits > LENGTH_DIGITS_MAX) return undefined
    if (digits === bytes.byteLength) return "unknown"
    if (bytes[digits] !== BLANK) return undefined
    return { start: digits + 1, length: Number(bytes.toString("latin1", 0, digits)) }
  }
}

const isDigit = (byte: number | undefined, at: number): boolean =>
  byte !== undefined && byte <= NINE && byte >= (at === 0 ? ZERO + 1 : ZERO)

const endOfLine = (bytes: Buffer): number => {
  const lineFeed = bytes.indexOf(LINE_FEED)
  const nul = bytes.indexOf(NUL)
  if (lineFeed === -1 || nul === -1) return Math.max(lineFeed, nul)
  return Math.min(lineFeed, nul)
}
