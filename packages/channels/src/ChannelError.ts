/**
 * Why a slug or a subject is refused. It is returned as a value, never thrown for input from outside, so that a caller
 * on a hot path pays for no stack unwinding and cannot forget the case: the compiler asks for it.
 */

/** Every reason there is: a metric label and a log field as much as a text for people. */
export type ChannelErrorReason =
  | "not_a_string"
  | "empty"
  | "too_long"
  | "invalid_character"
  | "invalid_start"
  | "invalid_end"
  | "reserved"
  | "empty_token"
  | "wildcard"
  | "unknown_root"
  | "missing_root"
  | "bare_root"

const SHOWN_LENGTH_MAX = 80

/** The value as it may stand in a message: cut, and with everything but printable ASCII escaped. */
const shown = (value: unknown): string => {
  const text = typeof value === "string" ? value : String(typeof value)
  const cut = text.length > SHOWN_LENGTH_MAX ? `${text.slice(0, SHOWN_LENGTH_MAX)}…` : text
  return cut.replace(/[^ -~…]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`)
}

/** A slug or subject that is none; the message names the value, the rule and what to do. */
export class ChannelError extends Error {
  override readonly name = "ChannelError"
  readonly isRetryable = false
  readonly reason: ChannelErrorReason
  /** The refused value, cut to 80 characters and with control and non-ASCII characters escaped. */
  readonly value: string

  constructor(reason: ChannelErrorReason, what: "slug" | "subject" | "pattern", value: unknown, rule: string) {
    super(`The ${what} "${shown(value)}" is refused: ${rule}`)
    this.reason = reason
    this.value = shown(value)
  }
}
