/**
 * Lets an old stream know ids of messages that it never had, because they were published into a new one: a publisher that
 * has no answer for such a message, and repeats it from a rollback on without prefix, is then recognised. The
 * stream takes an empty message with each id under a subject of its own, and forgets the messages again; it keeps the ids.
 */
import { subjectMatches } from "@bulkhead/channels"
import { Effect } from "effect"
import type { MigrationPlan } from "../MigrationPlan.ts"
import { JetStreamAdmin } from "./JetStreamAdmin.ts"
import { markerSubject } from "./neededRights.ts"
import { streamInfo, updateStream } from "./streamState.ts"

export interface PublishedId {
  readonly id: string
  /** Without prefix. */
  readonly subject: string
  readonly atMs: number
}

const AT_ONCE = 500

/** Consumers that read the whole stream and were left alone would be given the markers. */
const hasWatcher = ({ consumers }: MigrationPlan, stream: string): boolean =>
  consumers.some((one) => one.stream === stream && one.fate === "leave" && one.filterSubjects.length === 0)

export const rememberIds = Effect.fnUntraced(function* (plan: MigrationPlan, ids: ReadonlyArray<PublishedId>) {
  const admin = yield* JetStreamAdmin
  for (const { stream, subjects } of plan.sources) {
    if (hasWatcher(plan, stream)) continue
    const { config, ts } = yield* streamInfo(stream)
    const since = (ts === undefined ? Date.now() : Date.parse(ts)) - config.duplicate_window / 1e6
    const own = ids.filter(
      ({ subject, atMs }) => atMs >= since && subjects.some((pattern) => subjectMatches(pattern, subject))
    )
    if (own.length === 0) continue
    const marker = markerSubject(stream)
    yield* updateStream(stream, { subjects: [...subjects, marker] })
    for (let at = 0; at < own.length; at += AT_ONCE) {
      yield* admin.ask({
        what: `ids for stream "${stream}"`,
        rights: `STREAM.INFO, and to publish to ${marker}`,
        ask: ({ client }) =>
          Promise.all(own.slice(at, at + AT_ONCE).map(({ id }) => client.publish(marker, "", { msgID: id })))
      })
    }
    yield* admin.ask({
      what: `stream "${stream}"`,
      rights: `STREAM.PURGE.${stream}`,
      ask: ({ manager }) => manager.streams.purge(stream, { filter: marker })
    })
    yield* updateStream(stream, { subjects: [...subjects] })
  }
})
