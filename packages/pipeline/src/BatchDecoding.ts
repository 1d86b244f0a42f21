/**
 * Sorts the messages of a batch into rows of tables and into what can never be rows. Plain code, because it runs once a
 * message; in slices, so that one tenant's large batch costs the others a few milliseconds and not all of its time.
 */
import type { StreamMessage } from "@bulkhead/nats"
import type { DecodeError, Decoder, RecordTable, RowSink } from "@bulkhead/records"
import type { DeadLetter, LaneBatch, StoredMessage, TableRows } from "@bulkhead/storage"
import type { BatchSize } from "./LaneQuota.ts"

/** The part of a batch that comes from its messages. */
export interface DecodedBatch extends Pick<LaneBatch, "tables" | "deadLetters" | "messageAt"> {
  readonly size: BatchSize
  /** How many of the messages it holds, from the first on. What is left is for the batch after it. */
  readonly messages: number
}

/**
 * A batch ends with the message that brings it to so many rows. A message of a megabyte can be half a million of them,
 * and is then alone, or the last.
 */
const BATCH_ROWS_MAX = 20_000

/** A slice is complete by either; a single larger message is one of its own. At 500 bytes an event it takes 2 ms. */
const SLICE_EVENTS_MAX = 256
const SLICE_BYTES_MAX = 128 * 1024

const storedMessage = (message: StreamMessage): StoredMessage => ({
  sequence: message.sequence,
  subject: message.subject,
  headers: message.headers,
  payload: message.data,
  receivedAt: message.timestamp
})

interface GrowingRows extends TableRows {
  readonly rows: Array<object>
  readonly sequences: Array<number>
}

/** Collects rows by table, and remembers which message gave each. */
class Collector implements RowSink {
  /** The message whose rows come now. */
  sequence = 0
  readonly #tables = new Map<RecordTable, GrowingRows>()
  #rows = 0

  get rows(): number {
    return this.#rows
  }

  get tables(): ReadonlyArray<TableRows> {
    // In one order, so that batches of the same kinds are the same statement.
    return [...this.#tables.values()]
      .filter(({ rows }) => rows.length > 0)
      .sort((a, b) => (a.table.name < b.table.name ? -1 : 1))
  }

  add(table: RecordTable, row: object): void {
    let known = this.#tables.get(table)
    if (known === undefined) {
      known = { table, rows: [], sequences: [] }
      this.#tables.set(table, known)
    }
    known.rows.push(row)
    known.sequences.push(this.sequence)
    this.#rows += 1
  }

  /** Takes back what the message gave before it turned out to be none. */
  takeBack(): void {
    for (const { rows, sequences } of this.#tables.values()) {
      while (sequences.at(-1) === this.sequence) {
        sequences.pop()
        rows.pop()
        this.#rows -= 1
      }
    }
  }
}

const deadLetterOf = (message: StreamMessage, error: DecodeError): DeadLetter => ({
  ...storedMessage(message),
  reason: error.reason,
  detail: error.message
})

/** A batch that is being decoded, in stream order. */
export class BatchDecoding {
  readonly #messages: ReadonlyArray<StreamMessage>
  readonly #decode: Decoder
  readonly #rowsMax: number
  readonly #collector = new Collector()
  readonly #deadLetters: Array<DeadLetter> = []
  #taken = 0
  #bytes = 0

  constructor(messages: ReadonlyArray<StreamMessage>, decode: Decoder, rowsMax = BATCH_ROWS_MAX) {
    this.#rowsMax = rowsMax
    this.#messages = messages
    this.#decode = decode
  }

  get isDone(): boolean {
    return this.#taken === this.#messages.length || this.#collector.rows >= this.#rowsMax
  }

  /** What it gave so far. */
  get decoded(): DecodedBatch {
    return {
      tables: this.#collector.tables,
      deadLetters: this.#deadLetters,
      messageAt: (sequence) => this.#messageAt(sequence),
      size: { events: Math.max(this.#taken, this.#collector.rows), bytes: this.#bytes },
      messages: this.#taken
    }
  }

  decodeSlice(): void {
    const [firstMessage, firstByte] = [this.#taken, this.#bytes]
    while (!this.isDone && this.#taken - firstMessage < SLICE_EVENTS_MAX && this.#bytes - firstByte < SLICE_BYTES_MAX) {
      const message = this.#messages[this.#taken]
      if (message === undefined) return
      this.#taken += 1
      this.#bytes += message.data.byteLength
      this.#decodeOne(message)
    }
  }

  #decodeOne(message: StreamMessage): void {
    this.#collector.sequence = message.sequence
    const error = this.#decode(message, this.#collector)
    if (error === undefined) return
    this.#collector.takeBack()
    this.#deadLetters.push(deadLetterOf(message, error))
  }

  #messageAt(sequence: number): StoredMessage {
    const message = this.#messages.find((one) => one.sequence === sequence)
    if (message === undefined) throw new Error(`no message of the batch has the sequence ${sequence}`)
    return storedMessage(message)
  }
}
