/**
 * Where a relay stands. It is written down before a batch leaves, so that after any end of the process the same messages
 * are sent again under the same condition, and written again once the platform has them.
 */
import { Schema } from "effect"

const sequence = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

export const Position = Schema.Struct({
  /** Made with the first position: no two relays write the same marks, also where two bear the same site's name. */
  relay: Schema.NonEmptyString,
  /** When the buffer was made, as its server gives it: sequences of another buffer mean nothing. */
  buffer: Schema.String,
  /** All messages of the buffer up to this one are at the platform. */
  done: sequence,
  /** The last message of the batch that is on its way; `done` when there is none. */
  sent: sequence,
  /** The platform's sequence of this relay's last mark; 0 before the first. */
  mark: sequence
})
export type Position = typeof Position.Type

export const PositionText = Schema.fromJsonString(Position)
