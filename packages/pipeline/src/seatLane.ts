/**
 * Finds out where a tenant's lane goes on.
 *
 * A lane is named for one incarnation of its stream, `<stream>@<creation time>`, so that a stream made anew is read from
 * its start (docs/adr/0007). The writers of records share such lanes; a reader that writes other messages of the same
 * stream has lanes of its own, `<reader>/<stream>@…` (docs/adr/0025).
 *
 * A server that lost power may also come back with the same stream and fewer messages than it had acknowledged; new
 * messages then get numbers that the watermark has passed, and would be skipped. Such a lane is followed by a successor,
 * `…#2`, that goes on with what the stream received since the last commit.
 */
import type { PrefixMode, TenantSlug } from "@bulkhead/channels"
import { type StreamIncarnation, sequenceBefore } from "@bulkhead/nats"
import { type LaneStats, LaneStore } from "@bulkhead/storage"
import { Effect } from "effect"

/** Whose lanes they are, where they are not those of the writers of records. */
export interface LaneReader {
  readonly reader?: string
}

/** The stream that a lane reads, and how the tenant's subjects look in it. */
export interface LaneSource extends StreamIncarnation, LaneReader {
  readonly mode: PrefixMode
}

const numberOf = (lane: string): number => Number(lane.split("#")[1] ?? 1)

/** No stream has a slash in its name. */
const prefixOf = ({ reader }: LaneReader): string => (reader === undefined ? "" : `${reader}/`)

const nameOf = (source: StreamIncarnation & LaneReader): string =>
  `${prefixOf(source)}${source.stream}@${source.createdAt}`

/** Of a tenant's lanes those of one reader, of all streams. */
export const lanesOfReader = (reader: LaneReader, lanes: ReadonlyArray<LaneStats>): ReadonlyArray<LaneStats> => {
  const prefix = prefixOf(reader)
  return lanes.filter(({ lane }) => lane.slice(0, lane.indexOf("/") + 1) === prefix)
}

/** The lane that goes on with this incarnation of a stream; undefined where none was opened yet. */
export const currentLane = (
  source: StreamIncarnation & LaneReader,
  lanes: ReadonlyArray<LaneStats>
): LaneStats | undefined => {
  const name = nameOf(source)
  return lanes
    .filter(({ lane }) => lane === name || lane.startsWith(`${name}#`))
    .sort((a, b) => numberOf(b.lane) - numberOf(a.lane))[0]
}

/** Clocks of the two servers differ, and a commit takes a moment: rather a message twice than none. */
export const CLOCK_MARGIN_MS = 5_000

/** Makes the successor of a lane whose stream has lost messages. */
const succeed = Effect.fnUntraced(function* (tenant: TenantSlug, source: LaneSource, lost: LaneStats, lane: string) {
  const store = yield* LaneStore
  const since = new Date(lost.lastCommitAt.getTime() - CLOCK_MARGIN_MS)
  const watermark = yield* sequenceBefore(source.stream, since)
  const { watermark: written } = lost
  yield* Effect.logError("the stream has lost messages that were written", { lane, written, left: source.lastSequence })
  return yield* store.open(tenant, lane, watermark)
})

/**
 * The lane and its watermark. `present` was read before the stream's last sequence: a stream only grows, so a watermark
 * above it can only mean that messages were lost, never that they arrived in between.
 */
export const seatLane = Effect.fn("seatLane")(function* (
  tenant: TenantSlug,
  source: LaneSource,
  present: ReadonlyArray<LaneStats>
) {
  const name = nameOf(source)
  const newest = currentLane(source, present)
  if (newest !== undefined && newest.watermark > source.lastSequence) {
    return yield* succeed(tenant, source, newest, `${name}#${numberOf(newest.lane) + 1}`)
  }
  return yield* (yield* LaneStore).open(tenant, newest?.lane ?? name)
})
