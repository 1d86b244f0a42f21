/**
 * What a lane writes at once: the rows and dead letters of some messages of its stream, in order.
 */
import type { TenantSlug } from "@bulkhead/channels"
import type { RecordTable } from "@bulkhead/records"
import type { DeadLetter, StoredMessage } from "./DeadLetter.ts"

/** A lane that was opened: one flow of one incarnation of one stream into one tenant's schema. */
export interface OpenLane {
  readonly name: string
  /** Stands in every row that the lane writes. */
  readonly id: number
}

/** Rows of one table. */
export interface TableRows {
  readonly table: RecordTable
  readonly rows: ReadonlyArray<object>
  /** The sequence of the message behind each row; never falls. */
  readonly sequences: ReadonlyArray<number>
}

/** One batch of a lane, in stream order. */
export interface LaneBatch {
  readonly tenant: TenantSlug
  readonly lane: OpenLane
  /** The watermark as this writer knows it: the sequence before the batch. */
  readonly from: number
  /** The last sequence of the batch. */
  readonly to: number
  readonly tables: ReadonlyArray<TableRows>
  readonly deadLetters: ReadonlyArray<DeadLetter>
  /** The message at a sequence of `tables`; asked for only when PostgreSQL refuses one of its rows. */
  readonly messageAt: (sequence: number) => StoredMessage
}

/** What a commit wrote. */
export interface LaneCommit {
  readonly rows: number
  /** The batch's own dead letters, then the messages of whose rows PostgreSQL refused one. */
  readonly deadLetters: ReadonlyArray<DeadLetter>
}
