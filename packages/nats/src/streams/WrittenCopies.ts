/**
 * What a reader with a watermark had written when a migration was rolled back: messages that a later migration copies
 * again, and that this reader passes over. It stands in the metadata of the old stream, and of each new one that copies
 * from it; so it ends with the messages that it speaks of.
 */
import { Schema } from "effect"

export const WrittenCopies = Schema.Struct({
  /** The tenant's stream that the reader read, which is gone by now, and when that was made. */
  stream: Schema.String,
  createdAt: Schema.String,
  /** Up to here the reader had written it. */
  written: Schema.Int,
  /** The old stream, whose copies it held. */
  source: Schema.String,
  /** Up to here every message of the old stream was written, as a copy or as it came with a prefix. */
  through: Schema.Int,
  /** Messages behind it that were written too. */
  ahead: Schema.Array(Schema.Int),
  /** The old stream's end when everything was back: so far it may hold messages that came back from `stream`. */
  returnedThrough: Schema.Int
})
export type WrittenCopies = typeof WrittenCopies.Type

/** The key in a stream's metadata. */
export const WRITTEN_KEY = "bulkhead.written"

/** In a message that was brought back from a tenant's stream: `<stream> <sequence>`. */
export const RETURNED_HEADER = "Bulkhead-Returned"

/** The server's own, in every copy: `<stream> <sequence> …`. */
export const ORIGIN_HEADER = "Nats-Stream-Source"

const fromText = Schema.fromJsonString(Schema.Array(WrittenCopies))
const decode = Schema.decodeUnknownOption(fromText)
const encode = Schema.encodeSync(fromText)

/** Of a stream's metadata; empty where it says nothing. */
export const writtenCopiesOf = (metadata: Readonly<Record<string, string>> = {}): ReadonlyArray<WrittenCopies> => {
  const found = decode(metadata[WRITTEN_KEY])
  return found._tag === "Some" ? found.value : []
}

/** As metadata of a stream. */
export const writtenCopiesMetadata = (written: ReadonlyArray<WrittenCopies>): Readonly<Record<string, string>> =>
  written.length === 0 ? {} : { [WRITTEN_KEY]: encode(written) }
