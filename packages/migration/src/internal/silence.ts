/**
 * Whether anybody still publishes in the way that is to end. Nothing tells who will publish: so it is watched for a while,
 * and what comes is named.
 */
import { ORIGIN_HEADER } from "@bulkhead/nats"
import { Clock, Effect } from "effect"
import type { MigrationPlan } from "../MigrationPlan.ts"
import { readMessages } from "./readMessages.ts"
import type { StepRun } from "./StepRun.ts"
import { streamInfo } from "./streamState.ts"

/** Subjects on which something came into a stream behind `from`; copies do not count. */
const published = Effect.fnUntraced(function* (stream: string, from: number) {
  const { state } = yield* streamInfo(stream)
  const subjects = new Set<string>()
  if (state.last_seq > from) {
    const range = { fromSequence: from + 1, toSequence: state.last_seq }
    yield* readMessages({ stream, headersOnly: true, ...range }, (message) => {
      if (!message.headers?.has(ORIGIN_HEADER)) subjects.add(message.subject)
    })
  }
  return { subjects: [...subjects], last: state.last_seq }
})

/** Waits until nothing has been published into some streams for `quietMs`; gives the subjects of the last time when it goes on. */
const awaitSilence = Effect.fnUntraced(function* (
  streams: ReadonlyArray<string>,
  { quietMs, drainMs }: Pick<MigrationPlan, "quietMs" | "drainMs">,
  tell: StepRun["tell"]
) {
  const from = new Map<string, number>()
  for (const stream of streams) from.set(stream, (yield* streamInfo(stream)).state.last_seq)
  const startedAt = yield* Clock.currentTimeMillis
  let quietSince = startedAt
  let busy: ReadonlyArray<string> = []
  while (true) {
    yield* Effect.sleep(Math.min(quietMs, 500))
    const subjects: Array<string> = []
    for (const stream of streams) {
      const came = yield* published(stream, from.get(stream) ?? 0)
      from.set(stream, came.last)
      subjects.push(...came.subjects)
    }
    const now = yield* Clock.currentTimeMillis
    if (subjects.length > 0) {
      busy = subjects
      quietSince = now
    }
    tell(Math.min(now - quietSince, quietMs), quietMs)
    if (now - quietSince >= quietMs) return []
    if (now - startedAt > drainMs + quietMs) return busy
  }
})

/** Waits until nobody publishes into an old stream. */
export const awaitNoUnprefixed = ({ plan, tell }: StepRun, stream: string) => awaitSilence([stream], plan, tell)

/** Waits until nobody publishes into the new streams. */
export const awaitNoPublishers = ({ plan, tell }: StepRun) =>
  awaitSilence(
    plan.targets.map(({ stream }) => stream),
    plan,
    tell
  )
