/**
 * Sorts the messages of a batch into rows of tables and into what can never be rows. Plain code: it runs once a message.
 */
import type { StreamMessage } from "@bulkhead/nats"
import type { DecodeError, Decoder, RecordTable, RowSink } from "@bulkhead/records"
import type { DeadLetter, LaneBatch, StoredMessage, TableRows } from "@bulkhead/storage"

/** The part of a batch that comes from its messages. */
export type DecodedBatch = Pick<LaneBatch, "tables" | "deadLetters" | "messageAt">

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

  get tables(): ReadonlyArray<TableRows> {
    return [...this.#tables.values()].filter(({ rows }) => rows.length > 0)
  }

  add(table: RecordTable, row: object): void {
    let known = this.#tables.get(table)
    if (known === undefined) {
      known = { table, rows: [], sequences: [] }
      this.#tables.set(table, known)
    }
    known.rows.push(row)
    known.sequences.push(this.sequence)
  }

  /** Takes back what the message gave before it turned out to be none. */
  takeBack(): void {
    for (const { rows, sequences } of this.#tables.values()) {
      while (sequences.at(-1) === this.sequence) {
        sequences.pop()
        rows.pop()
      }
    }
  }
}

const deadLetterOf = (message: StreamMessage, error: DecodeError): DeadLetter => ({
  ...storedMessage(message),
  reason: error.reason,
  detail: error.message
})

/** Decodes messages in stream order. */
export const decodeBatch = (messages: ReadonlyArray<StreamMessage>, decode: Decoder): DecodedBatch => {
  const collector = new Collector()
  const deadLetters: Array<DeadLetter> = []
  for (const message of messages) {
    collector.sequence = message.sequence
    const error = decode(message, collector)
    if (error === undefined) continue
    collector.takeBack()
    deadLetters.push(deadLetterOf(message, error))
  }
  const messageAt = (sequence: number): StoredMessage => {
    const message = messages.find((one) => one.sequence === sequence)
    if (message === undefined) throw new Error(`no message of the batch has the sequence ${sequence}`)
    return storedMessage(message)
  }
  return { tables: collector.tables, deadLetters, messageAt }
}
