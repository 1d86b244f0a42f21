/**
 * Turns what the actors know of themselves into the health report, asking the server for each lane's lag.
 */
import { DateTime, Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { DeadLetterCounts } from "../lanes/DeadLetterCounts.ts"
import type { ActorState } from "../tenants/TenantActor.ts"
import { TenantRegistry } from "../tenants/TenantRegistry.ts"
import { CoreApi } from "./CoreApi.ts"
import type { TenantHealth } from "./HealthApi.ts"
import { TenantUnknownProblem } from "./problems.ts"

const LAG_QUESTIONS_AT_ONCE = 16

/** A lane whose lag cannot be asked for says so by its last error; the report is not held up by it. */
const lagOf = (state: ActorState) =>
  (state.lag ?? Effect.succeed(undefined)).pipe(
    Effect.timeout("1 second"),
    Effect.orElseSucceed(() => undefined)
  )

const healthOf = Effect.fnUntraced(function* (state: ActorState) {
  const letters = yield* DeadLetterCounts
  const lag = yield* lagOf(state)
  const lagMessages = lag?.messages ?? 0
  const hold = state.quota?.hold
  const health: TenantHealth = {
    tenant: state.tenant.slug,
    status: hold?.kind === "storage" && state.status === "active" ? "degraded" : state.status,
    ...(hold === undefined ? {} : { heldBy: hold.kind, reason: hold.reason }),
    eventsIn: state.rowsWritten + state.deadLetters + lagMessages,
    rowsWritten: state.rowsWritten,
    deadLetters: state.deadLetters,
    deadLettersPresent: letters.of(state.tenant.slug),
    lagMessages,
    ...(lag?.oldestAgeMs === undefined ? {} : { lagMs: lag.oldestAgeMs }),
    ...(state.lastCommitAtMs === undefined ? {} : { lastCommitAt: DateTime.makeUnsafe(state.lastCommitAtMs) }),
    restarts: state.restarts,
    ...(state.lastError === undefined ? {} : { lastError: state.lastError })
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
        Effect.flatMap(registry.states, (states) =>
          Effect.forEach(states, healthOf, { concurrency: LAG_QUESTIONS_AT_ONCE })
        ),
      get: Effect.fnUntraced(function* ({ params }) {
        const state = yield* registry.state(params.slug)
        if (state !== undefined) return yield* healthOf(state)
        const detail = `No tenant "${params.slug}" is running here. List them with GET /v1/tenants`
        return yield* new TenantUnknownProblem({ detail, slug: params.slug })
      })
    })
  })
)
