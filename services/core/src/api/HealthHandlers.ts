/**
 * Turns what the actors know of themselves into the health report, asking the server for each lane's lag.
 */
import { SHARED_STREAM_NAME, streamName } from "@bulkhead/channels"
import { readerLag } from "@bulkhead/nats"
import type { Tenant } from "@bulkhead/tenancy"
import { DateTime, Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { CoreConfig } from "../CoreConfig.ts"
import { DeadLetterCounts } from "../lanes/DeadLetterCounts.ts"
import { durableOf } from "../lanes/recordLane.ts"
import type { ActorState } from "../tenants/ActorState.ts"
import { TenantRegistry, type TenantState } from "../tenants/TenantRegistry.ts"
import { CoreApi } from "./CoreApi.ts"
import type { TenantHealth } from "./HealthApi.ts"
import { TenantUnknownProblem } from "./problems.ts"
import { unavailable } from "./tenantFailures.ts"

const LAG_QUESTIONS_AT_ONCE = 16

/** A lane whose lag cannot be asked for says so by its last error; the report is not held up by it. */
const lagOf = (state: ActorState) =>
  (state.lag ?? Effect.succeed(undefined)).pipe(
    Effect.timeout("1 second"),
    Effect.orElseSucceed(() => undefined)
  )

const healthHere = Effect.fnUntraced(function* (state: ActorState) {
  const lag = yield* lagOf(state)
  const lagMessages = lag?.messages ?? 0
  const { hold, reasonNow: reason } = state
  return {
    status: state.statusNow,
    ...(hold === undefined ? {} : { heldBy: hold.kind }),
    eventsIn: state.rowsWritten + state.deadLetters + lagMessages,
    rowsWritten: state.rowsWritten,
    deadLetters: state.deadLetters,
    lagMessages,
    ...(lag?.oldestAgeMs === undefined ? {} : { lagMs: lag.oldestAgeMs }),
    lanes:
      state.lane === undefined
        ? []
        : [
            {
              lane: state.lane.name,
              watermark: state.lane.watermark,
              lagMessages,
              ...(lag?.oldestAgeMs === undefined ? {} : { lagMs: lag.oldestAgeMs })
            }
          ],
    ...(state.lastCommitAtMs === undefined ? {} : { lastCommitAt: DateTime.makeUnsafe(state.lastCommitAtMs) }),
    restarts: state.restarts,
    ...(reason === undefined ? {} : { reason }),
    ...(state.lastError === undefined ? {} : { lastError: state.lastError })
  }
})

/** How far another replica's lane is behind, as the server says. */
const lagElsewhere = Effect.fnUntraced(function* ({ slug }: Tenant) {
  const stream = (yield* CoreConfig).layout === "shared" ? SHARED_STREAM_NAME : streamName(slug)
  return yield* readerLag(stream, durableOf(stream, slug)).pipe(
    Effect.timeout("1 second"),
    Effect.orElseSucceed(() => undefined),
    Effect.map((lag) => ({
      messages: lag === undefined ? 0 : lag.pending + lag.ackPending,
      oldestAgeMs: lag?.oldestAgeMs
    }))
  )
})

const healthElsewhere = (
  { tenant, elsewhere: run }: TenantState,
  { messages: lagMessages, oldestAgeMs }: Effect.Success<ReturnType<typeof lagElsewhere>>
) => ({
  status: run?.status ?? tenant.status,
  eventsIn: (run?.rowsWritten ?? 0) + (run?.deadLetters ?? 0) + lagMessages,
  rowsWritten: run?.rowsWritten ?? 0,
  deadLetters: run?.deadLetters ?? 0,
  lagMessages,
  ...(oldestAgeMs === undefined ? {} : { lagMs: oldestAgeMs }),
  ...(run?.heldBy == null ? {} : { heldBy: run.heldBy }),
  lanes: [],
  ...(run?.lastCommitAt == null ? {} : { lastCommitAt: DateTime.fromDateUnsafe(run.lastCommitAt) }),
  restarts: run?.restarts ?? 0,
  ...(run?.reason == null ? {} : { reason: run.reason }),
  ...(run?.lastError == null ? {} : { lastError: run.lastError })
})

const healthOf = Effect.fnUntraced(function* (state: TenantState) {
  const letters = yield* DeadLetterCounts
  const figures =
    state.here === undefined ? healthElsewhere(state, yield* lagElsewhere(state.tenant)) : yield* healthHere(state.here)
  const health: TenantHealth = {
    tenant: state.tenant.slug,
    ...(state.replica === undefined ? {} : { replica: state.replica }),
    deadLettersPresent: letters.of(state.tenant.slug),
    ...figures
  }
  return health
})

export const HealthHandlers = HttpApiBuilder.group(
  CoreApi,
  "health",
  Effect.fn(function* (handlers) {
    const registry = yield* TenantRegistry
    return handlers.handleAll({
      list: () =>
        registry.states.pipe(
          Effect.flatMap((states) => Effect.forEach(states, healthOf, { concurrency: LAG_QUESTIONS_AT_ONCE })),
          Effect.catchTag("StorageError", unavailable)
        ),
      get: Effect.fnUntraced(function* ({ params }) {
        const state = yield* registry.state(params.slug).pipe(Effect.catchTag("StorageError", unavailable))
        if (state !== undefined) return yield* healthOf(state)
        const detail = `No tenant "${params.slug}" is known here. List them with GET /v1/tenants`
        return yield* new TenantUnknownProblem({ detail, slug: params.slug })
      })
    })
  })
)
