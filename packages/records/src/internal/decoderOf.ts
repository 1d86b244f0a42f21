/**
 * Makes a `Decoder` of code that throws its `DecodeError`, and looks at the size first.
 */
import { DecodeError } from "../DecodeError.ts"
import type { Decoder, ReceivedMessage, RowSink } from "../Decoder.ts"
import { PAYLOAD_BYTES_MAX } from "../decodeOcsfEvent.ts"

export const decoderOf =
  (decode: (message: ReceivedMessage, rows: RowSink) => void): Decoder =>
  (message, rows) => {
    const bytes = message.data.byteLength
    if (bytes > PAYLOAD_BYTES_MAX) {
      return new DecodeError(
        "too_large",
        "$",
        `${bytes} bytes exceed the limit of ${PAYLOAD_BYTES_MAX} bytes: send smaller messages`
      )
    }
    try {
      decode(message, rows)
      return undefined
    } catch (error) {
      if (error instanceof DecodeError) return error
      throw error
    }
  }
