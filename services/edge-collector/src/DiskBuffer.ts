/**
 * A queue of messages on disk, bounded in bytes. What an append has confirmed survives the end of the process, also by
 * SIGKILL, and with `fsync` the end of the machine; what is read stays until it is acknowledged.
 *
 * Appends that arrive while the disk writes are committed together, so that many small messages share one `fdatasync`.
 */
import { type FileHandle, mkdir, open, readdir, rm } from "node:fs/promises"
import { BufferError } from "./BufferError.ts"
import { type Cursor, readCursor, writeCursor } from "./Cursor.ts"
import {
  encodedBytes,
  encodeMessage,
  type Message,
  readMessages,
  type Segment,
  type StoredMessage,
  scanSegment,
  segmentPath,
  sequenceOfName
} from "./Segment.ts"

export interface DiskBufferOptions {
  readonly folder: string
  /** On disk, in all. */
  readonly bytesMax: number
  /** `refuse`: what is there stays and appends fail. `drop-oldest`: the oldest eighth or so goes. */
  readonly whenFull: "refuse" | "drop-oldest"
  /** Whether an append waits until the disk itself has it. */
  readonly fsync: boolean
}

/** Why messages that were taken were not sent. */
export type LossReason = "dropped_oldest" | "corrupt"

/** The buffer is cut into so many files: the smallest part that is given up or freed. */
const SEGMENTS = 8
const GROUP_BYTES_MAX = 4 * 1024 * 1024

interface Pending {
  readonly messages: ReadonlyArray<Message>
  readonly bytes: number
  readonly resolve: () => void
  readonly reject: (error: BufferError) => void
}

const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error ? String(error.code) : String(error)

export class DiskBuffer {
  /** Bytes in files. */
  bytes = 0
  /** The last failure of the disk, until an append succeeds. */
  problem: string | undefined
  /** Whether the last appends had to be refused for want of room. */
  isFull = false
  readonly lost: Record<LossReason, number> = { dropped_oldest: 0, corrupt: 0 }
  readonly #options: DiskBufferOptions
  readonly #segments: Array<Segment>
  #cursor: Cursor
  #offset = 0
  #reading: { readonly path: string; readonly handle: FileHandle } | undefined
  #writing: FileHandle | undefined
  #nextSequence: number
  readonly #pending: Array<Pending> = []
  #committing: Promise<void> | undefined
  /** The file that is written is damaged: the next message begins a new one. */
  #isDamaged = false
  #onCommitted: (() => void) | undefined

  private constructor(options: DiskBufferOptions, segments: Array<Segment>, cursor: Cursor) {
    this.#options = options
    this.#segments = segments
    this.#cursor = cursor
    this.#nextSequence = Math.max(cursor.nextSequence, segments.at(-1)?.endSequence ?? 1)
    this.bytes = segments.reduce((sum, segment) => sum + segment.bytes, 0)
  }

  /** Opens the buffer of a folder, which nobody else may have open, and finds what an earlier process left. */
  static async open(options: DiskBufferOptions): Promise<DiskBuffer> {
    const { folder, fsync } = options
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const cursor = await readCursor(folder)
    const names = (await readdir(folder)).sort()
    const segments: Array<Segment> = []
    for (const name of names) {
      const firstSequence = sequenceOfName(name)
      if (firstSequence === undefined) continue
      const before = segments.at(-1)
      // Behind what counts, a file may have what an append had to give up.
      if (before !== undefined) before.endSequence = Math.min(before.endSequence, firstSequence)
      segments.push(await scanSegment(segmentPath(folder, firstSequence), firstSequence))
    }
    const buffer = new DiskBuffer(options, segments, cursor)
    await writeCursor(folder, cursor, fsync)
    await buffer.#freeSent()
    return buffer
  }

  /** Messages that are not acknowledged yet. */
  get messages(): number {
    return this.#nextSequence - this.#cursor.nextSequence
  }

  /** All of `messages`, or none: resolves when they are kept. Fails with `BufferError`. */
  append(messages: ReadonlyArray<Message>): Promise<void> {
    if (messages.length === 0) return Promise.resolve()
    const bytes = messages.reduce((sum, message) => sum + encodedBytes(message), 0)
    return new Promise((resolve, reject) => {
      this.#pending.push({ messages, bytes, resolve, reject })
      this.#committing ??= this.#commitAll()
    })
  }

  /** The oldest messages that are not acknowledged: at most `countMax`, about a mebibyte, one at least if there is any. */
  async peek(countMax: number): Promise<ReadonlyArray<StoredMessage>> {
    while (true) {
      const segment = this.#segments.find((each) => each.endSequence > this.#cursor.nextSequence)
      if (segment === undefined) return []
      if (segment.firstSequence > this.#cursor.nextSequence) {
        this.#moveTo(segment.firstSequence, "corrupt")
      }
      const found = await this.#readFrom(segment, countMax).catch((error: unknown) => {
        // A file that went away while it was read has been given up as the oldest.
        if (!this.#segments.includes(segment)) return undefined
        throw new BufferError("disk", `cannot read ${segment.path} (${codeOf(error)})`)
      })
      if (found === undefined || !this.#segments.includes(segment)) continue
      if (found.messages.length > 0) return found.messages
      this.#isDamaged ||= segment === this.#segments.at(-1)
      this.#moveTo(segment.endSequence, "corrupt")
    }
  }

  /** Resolves when there may be something to read. */
  get whenCommitted(): Promise<void> {
    if (this.messages > 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#onCommitted = resolve
    })
  }

  /** The id under which a message is published: the same at each try. */
  idOf({ sequence, crc }: StoredMessage): string {
    return `${this.#cursor.bufferId}-${sequence}-${crc.toString(16)}`
  }

  /**
   * Everything up to and with `message` is stored elsewhere. Where the disk does not take the cursor, the next process
   * will send again what has been sent since; this one goes on, for what it frees is what a full disk needs.
   */
  async acknowledge(message: StoredMessage): Promise<void> {
    // What was dropped meanwhile is behind us already.
    if (message.sequence < this.#cursor.nextSequence) return
    this.#cursor = { ...this.#cursor, nextSequence: message.sequence + 1 }
    this.#offset = message.endOffset
    await writeCursor(this.#options.folder, this.#cursor, this.#options.fsync).catch((error: unknown) => {
      this.problem = `cannot write how far ${this.#options.folder} is sent (${codeOf(error)})`
    })
    await this.#freeSent()
  }

  /** Waits for what is being written; further appends are not expected. */
  async close(): Promise<void> {
    await this.#committing
    await this.#reading?.handle.close()
    await this.#writing?.close()
  }

  async #readFrom(segment: Segment, countMax: number) {
    if (this.#reading?.path !== segment.path) {
      await this.#reading?.handle.close()
      this.#reading = undefined
      this.#reading = { path: segment.path, handle: await open(segment.path, "r") }
      this.#offset = 0
      await this.#skipSent(segment, this.#reading.handle)
    }
    const from = { sequence: this.#cursor.nextSequence, offset: this.#offset }
    return readMessages(this.#reading.handle, segment, from, countMax)
  }

  /** After a restart the cursor stands within a file. */
  async #skipSent(segment: Segment, handle: FileHandle): Promise<void> {
    let sequence = segment.firstSequence
    while (sequence < this.#cursor.nextSequence) {
      const from = { sequence, offset: this.#offset }
      const { messages } = await readMessages(handle, segment, from, this.#cursor.nextSequence - sequence)
      const last = messages.at(-1)
      if (last === undefined) return
      this.#offset = last.endOffset
      sequence = last.sequence + 1
    }
  }

  #moveTo(sequence: number, reason: LossReason): void {
    this.lost[reason] += sequence - this.#cursor.nextSequence
    this.#cursor = { ...this.#cursor, nextSequence: sequence }
    this.#offset = 0
  }

  async #commitAll(): Promise<void> {
    while (this.#pending.length > 0) {
      const group = this.#takeGroup()
      const fitting: Array<Pending> = []
      let bytes = 0
      for (const pending of group) {
        if (await this.#makeRoom(bytes + pending.bytes)) {
          fitting.push(pending)
          bytes += pending.bytes
        } else pending.reject(this.#fullError())
      }
      const error = fitting.length === 0 ? undefined : await this.#write(fitting)
      this.isFull = fitting.length < group.length
      for (const pending of fitting) {
        if (error === undefined) pending.resolve()
        else pending.reject(error)
      }
      this.#onCommitted?.()
      this.#onCommitted = undefined
    }
    // Here and not later: an append that comes next must begin again.
    this.#committing = undefined
  }

  /** What is committed together, and copied for it: at most about a file's worth, and a few mebibytes. */
  #takeGroup(): ReadonlyArray<Pending> {
    const bytesMax = Math.min(GROUP_BYTES_MAX, this.#options.bytesMax / SEGMENTS)
    let count = 0
    let bytes = 0
    while (count < this.#pending.length && bytes < bytesMax) {
      bytes += this.#pending[count]?.bytes ?? 0
      count += 1
    }
    return this.#pending.splice(0, count)
  }

  #fullError(): BufferError {
    const { bytesMax } = this.#options
    return new BufferError("full", `the buffer holds ${this.bytes} bytes of at most ${bytesMax}: wait for the uplink`)
  }

  async #makeRoom(bytes: number): Promise<boolean> {
    const { bytesMax, whenFull } = this.#options
    if (this.bytes + bytes <= bytesMax) return true
    if (this.messages === 0) {
      await this.#endSegment()
      await this.#freeSent()
    }
    if (this.bytes + bytes <= bytesMax) return true
    if (whenFull === "refuse" || bytes > bytesMax) return false
    while (this.bytes + bytes > bytesMax && this.#segments[0] !== undefined) await this.#dropOldest(this.#segments[0])
    return this.bytes + bytes <= bytesMax
  }

  async #dropOldest(segment: Segment): Promise<void> {
    if (this.#segments.length === 1) await this.#endSegment()
    if (this.#cursor.nextSequence < segment.endSequence) this.#moveTo(segment.endSequence, "dropped_oldest")
    await this.#remove(segment)
  }

  async #write(group: ReadonlyArray<Pending>): Promise<BufferError | undefined> {
    const encoded = group.flatMap(({ messages }) => messages.map(encodeMessage))
    try {
      const segment = await this.#segmentToWrite()
      const handle = this.#writing
      if (handle === undefined) throw new Error("no segment is open")
      const bytes = Buffer.concat(encoded)
      for (let written = 0; written < bytes.byteLength; ) {
        written += (await handle.write(bytes, written, bytes.byteLength - written, segment.bytes + written))
          .bytesWritten
      }
      if (this.#options.fsync) await handle.datasync()
      segment.bytes += bytes.byteLength
      segment.endSequence += encoded.length
      this.bytes += bytes.byteLength
      this.#nextSequence = segment.endSequence
      this.problem = undefined
      return undefined
    } catch (error) {
      this.problem = `cannot write to ${this.#options.folder} (${codeOf(error)})`
      await this.#giveUpTail()
      return new BufferError("disk", `${this.problem}: make room, or move the buffer`)
    }
  }

  async #segmentToWrite(): Promise<Segment> {
    const last = this.#segments.at(-1)
    if (this.#writing !== undefined && last !== undefined) {
      if (last.bytes < this.#options.bytesMax / SEGMENTS && !this.#isDamaged) return last
      await this.#endSegment()
    }
    this.#isDamaged = false
    const firstSequence = this.#nextSequence
    const path = segmentPath(this.#options.folder, firstSequence)
    this.#writing = await open(path, "w", 0o600)
    if (this.#options.fsync) await syncFolder(this.#options.folder)
    // One that never took anything has the same name.
    const empty = this.#segments.findIndex((each) => each.path === path)
    if (empty !== -1) this.#segments.splice(empty, 1)
    const segment: Segment = { path, firstSequence, endSequence: firstSequence, bytes: 0 }
    this.#segments.push(segment)
    return segment
  }

  async #endSegment(): Promise<void> {
    const handle = this.#writing
    this.#writing = undefined
    await handle?.close()
  }

  /** After a failed write nobody knows what the disk has: cut it off, and go on in a new file. */
  async #giveUpTail(): Promise<void> {
    const last = this.#segments.at(-1)
    await this.#writing?.truncate(last?.bytes ?? 0).catch(() => undefined)
    await this.#endSegment().catch(() => undefined)
  }

  /** Removes the files whose messages are all acknowledged, except the one that is written. */
  async #freeSent(): Promise<void> {
    for (const segment of this.#segments.slice()) {
      const isWritten = this.#writing !== undefined && segment === this.#segments.at(-1)
      if (segment.endSequence <= this.#cursor.nextSequence && !isWritten) await this.#remove(segment)
    }
  }

  async #remove(segment: Segment): Promise<void> {
    const at = this.#segments.indexOf(segment)
    if (at === -1) return
    this.#segments.splice(at, 1)
    this.bytes -= segment.bytes
    this.isFull = false
    await rm(segment.path, { force: true })
  }
}

const syncFolder = async (folder: string): Promise<void> => {
  const handle = await open(folder, "r")
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
