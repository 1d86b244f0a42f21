/**
 * What turns a message into rows. A new kind of record is one decoder and one table.
 */
import type { DecodeError } from "./DecodeError.ts"
import type { RecordTable } from "./RecordTable.ts"

/** A message as it came from its stream. */
export interface ReceivedMessage {
  readonly subject: string
  readonly headers: Readonly<Record<string, string>>
  readonly data: Uint8Array
  /** When the stream took it. */
  readonly timestamp: Date
}

/** Takes the rows of one message; a message may have any number of them, in any tables. */
export interface RowSink {
  add<Row extends object>(table: RecordTable<Row>, row: Row): void
}

/**
 * Gives the rows of `message` to `rows`, or returns why it can never be rows; then whatever it gave counts for nothing.
 * It runs once a message, and never throws.
 */
export type Decoder = (message: ReceivedMessage, rows: RowSink) => DecodeError | undefined
