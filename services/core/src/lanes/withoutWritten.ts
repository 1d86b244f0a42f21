/**
 * Passes over copies of messages that the tenant has rows of: a migration that was rolled back had core write them once
 * before. What is known of them stands in the stream; whether the rows are there, in the tenant's lanes.
 */
import { ORIGIN_HEADER, RETURNED_HEADER, type StreamIncarnation, type WrittenCopies } from "@bulkhead/nats"
import { currentLane } from "@bulkhead/pipeline"
import type { Decoder, ReceivedMessage } from "@bulkhead/records"
import type { LaneStats } from "@bulkhead/storage"

/** The lane that wrote them, when it came at least as far as the migration saw; else rather a row twice than none. */
const isStored = ({ stream, createdAt, written }: WrittenCopies, lanes: ReadonlyArray<LaneStats>): boolean => {
  const lane = currentLane({ stream, createdAt, lastSequence: written }, lanes)
  return lane !== undefined && lane.watermark >= written
}

const placeIn = (header: string | undefined): readonly [stream: string, sequence: number] => {
  const [stream = "", sequence = "0"] = header?.split(" ") ?? []
  return [stream, Number(sequence)]
}

const isOf = ({ headers }: ReceivedMessage, one: WrittenCopies): boolean => {
  const [source, sequence] = placeIn(headers[ORIGIN_HEADER])
  if (source !== one.source) return false
  if (sequence <= one.through || one.ahead.includes(sequence)) return true
  const [from, returned] = placeIn(headers[RETURNED_HEADER])
  return sequence <= one.returnedThrough && from === one.stream && returned <= one.written
}

/** The decoder as it is where nothing was written before. `lanes` are all that the tenant has. */
export const withoutWritten = (
  decode: Decoder,
  { written = [] }: StreamIncarnation,
  lanes: ReadonlyArray<LaneStats>
): Decoder => {
  const stored = written.filter((one) => isStored(one, lanes))
  if (stored.length === 0) return decode
  return (message, rows) => (stored.some((one) => isOf(message, one)) ? undefined : decode(message, rows))
}
