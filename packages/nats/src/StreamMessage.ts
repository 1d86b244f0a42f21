/**
 * One message as a stream stores it.
 */
export interface StreamMessage {
  /** Its place in the stream. */
  readonly sequence: number
  readonly subject: string
  readonly data: Uint8Array
  /** By name as sent; values of a repeated name are joined by ", ". */
  readonly headers: Readonly<Record<string, string>>
  /** When the stream took it. */
  readonly timestamp: Date
}
