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

/** A dead letter as it lies in the tenant's schema. */
export interface KeptDeadLetter extends DeadLetter {
  /** Its number in the tenant's schema; later letters have higher ones. */
  readonly id: number
  readonly lane: string
  /** How often it was tried again. */
  readonly attempts: number
  readonly attemptedAt: Date | null
  readonly createdAt: Date
}

/** A dead letter without what it carries. */
export interface DeadLetterEntry extends Omit<KeptDeadLetter, "payload" | "headers"> {
  readonly payloadBytes: number
}

/** Which dead letters; what is absent restricts nothing. */
export interface DeadLetterFilter {
  readonly reason?: DeadLetterReason
  /** A subject, or a pattern with `*` and `>`. */
  readonly subject?: string
  readonly lane?: string
  /** Received by the stream at or after this … */
  readonly since?: Date
  /** … and before this. */
  readonly until?: Date
}

/** Some letters by their ids, or all that a filter finds, the oldest first. */
export type DeadLetterSelection =
  | { readonly ids: ReadonlyArray<number> }
  | {
      readonly filter: DeadLetterFilter
      /** Only letters with higher ids: where the last run stopped. */
      readonly afterId?: number
      /** Letters at most. */
      readonly limit: number
    }

/** What became of one letter that was tried again. */
export type DeadLetterOutcome =
  | { readonly id: number; readonly outcome: "stored"; readonly rows: number }
  | { readonly id: number; readonly outcome: "kept"; readonly reason: DeadLetterReason; readonly detail: string }
  /** There is none of this id: it was stored, purged or expired before. */
  | { readonly id: number; readonly outcome: "gone" }

/** What a run over some letters did. */
export interface DeadLetterRun {
  readonly outcomes: ReadonlyArray<DeadLetterOutcome>
  /** Letters that the selection finds and this run did not come to: they have higher ids. */
  readonly left: number
}
