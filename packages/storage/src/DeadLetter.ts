/**
 * A message that can never become a row, kept whole beside the rows it does not belong to.
 */
import { DECODE_REASONS } from "@bulkhead/records"

/** Every reason: what the decoder finds, a subject that is none, and what PostgreSQL refused all the same. */
export const DEAD_LETTER_REASONS = [...DECODE_REASONS, "invalid_subject", "refused_by_database"] as const

export type DeadLetterReason = (typeof DEAD_LETTER_REASONS)[number]

/** A message as it came from the stream. */
export interface StoredMessage {
  /** Its sequence in the stream. */
  readonly sequence: number
  readonly subject: string
  readonly headers: Readonly<Record<string, string>>
  /** The payload, byte for byte. */
  readonly payload: Uint8Array
  /** When the stream received it. */
  readonly receivedAt: Date
}

/** The message and why it was not written. */
export interface DeadLetter extends StoredMessage {
  readonly reason: DeadLetterReason
  /** For a person: which value, which limit, what to do. */
  readonly detail: string
}
