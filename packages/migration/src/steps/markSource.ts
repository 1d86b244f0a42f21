/**
 * Marks an old stream as part of a migration, and lets it remember ids as long as the new ones do: a publisher that
 * repeats a message during a rollback is recognised by either.
 */
import { DUPLICATE_WINDOW_MS } from "@bulkhead/nats"
import { nanos } from "@nats-io/nats-core"
import { Effect } from "effect"
import { sourceOf } from "../internal/planned.ts"
import type { StepKind, StepOf } from "../internal/StepRun.ts"
import { streamInfo, updateStream } from "../internal/streamState.ts"
import { writtenInRollback } from "../internal/writers.ts"

/** Says in a stream's metadata which migration it belongs to. */
export const MIGRATION_KEY = "bulkhead.migration"

/** Metadata without what the server adds by itself. */
export const ownMetadata = (metadata: unknown): Record<string, string> =>
  Object.fromEntries(
    Object.entries((metadata ?? {}) as Record<string, string>).filter(([key]) => !key.startsWith("_nats."))
  )

const windowMs = (present: number, maxAgeNanos: number): number => {
  const wanted = Math.max(present, DUPLICATE_WINDOW_MS)
  return maxAgeNanos === 0 ? wanted : Math.min(wanted, maxAgeNanos / 1e6)
}

export const markSource: StepKind<StepOf<"MarkSource">> = {
  describe: ({ stream }, plan) => ({
    does: `stream "${stream}" is marked "${MIGRATION_KEY}=${plan.id}", and drops repeats for ${DUPLICATE_WINDOW_MS / 1_000} s or more`,
    undoes: "window and mark are as they were; what core has written already is noted for another time"
  }),
  apply: Effect.fnUntraced(function* ({ stream }, { plan }) {
    const { config } = yield* streamInfo(stream)
    yield* updateStream(stream, {
      metadata: { ...ownMetadata(config.metadata), [MIGRATION_KEY]: plan.id },
      duplicate_window: nanos(windowMs(sourceOf(plan, stream).duplicateWindowMs, config.max_age))
    })
  }),
  revert: Effect.fnUntraced(function* ({ stream }, run) {
    const source = sourceOf(run.plan, stream)
    const { config, duplicateWindowMs } = source
    yield* updateStream(stream, {
      metadata: { ...ownMetadata(config.metadata), ...(yield* writtenInRollback(run, source)) },
      duplicate_window: nanos(duplicateWindowMs)
    })
  })
}
