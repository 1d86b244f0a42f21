/**
 * What the streams API does: it computes the plan, and asks the server for the lag of readers.
 */
import { isTenantSlug } from "@bulkhead/channels"
import type { NatsError, ReaderLag as ObservedLag, StreamReader } from "@bulkhead/nats"
import { DateTime, Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { planOfPlatform, readersOfPlatform } from "../streams/planOfPlatform.ts"
import { lagsOfAll, lagsOfTenant, readerOf } from "../streams/readerLags.ts"
import { TenantRegistry } from "../tenants/TenantRegistry.ts"
import { CoreApi } from "./CoreApi.ts"
import { RefusedProblem, UnavailableProblem } from "./problems.ts"
import type { ReaderLag } from "./StreamsApi.ts"
import { unavailable, unknownTenant } from "./tenantFailures.ts"

const ANSWER_TIMEOUT = "30 seconds"

const away = (detail: string) => new UnavailableProblem({ detail, dependency: "nats" })

const natsFailure = (error: NatsError) =>
  Effect.fail(error.isRetryable ? away(error.message) : new RefusedProblem({ detail: error.message }))

const answerOf = (readers: ReadonlyArray<StreamReader>, lag: ObservedLag): ReaderLag => {
  const { stream, consumer, tenant, pending, ackPending, oldestAgeMs, deliveredThrough, deliveredAt } = lag
  const reader = readerOf(readers, lag)
  return {
    stream,
    consumer,
    ...(reader === undefined ? {} : { reader }),
    ...(tenant === undefined ? {} : { tenant }),
    pending,
    ackPending,
    ...(oldestAgeMs === undefined ? {} : { lagMs: oldestAgeMs }),
    deliveredThrough,
    ...(deliveredAt === undefined ? {} : { deliveredAt: DateTime.fromDateUnsafe(deliveredAt) })
  }
}

const byPlace = (a: ObservedLag, b: ObservedLag): number =>
  `${a.stream} ${a.consumer}` < `${b.stream} ${b.consumer}` ? -1 : 1

export const StreamsHandlers = HttpApiBuilder.group(
  CoreApi,
  "streams",
  Effect.fn(function* (handlers) {
    const registry = yield* TenantRegistry
    const readers = yield* readersOfPlatform

    const lags = Effect.fnUntraced(function* (slug: string | undefined) {
      if (slug === undefined) return yield* lagsOfAll
      if (!isTenantSlug(slug) || (yield* registry.tenant(slug)) === undefined) return yield* unknownTenant(slug)
      return yield* lagsOfTenant(slug)
    })

    return handlers.handleAll({
      plan: ({ query }) =>
        planOfPlatform(query).pipe(
          Effect.catchTag("StorageError", unavailable),
          Effect.timeoutOrElse({ duration: ANSWER_TIMEOUT, orElse: () => Effect.fail(away("NATS cannot be reached")) })
        ),
      lag: ({ query }) =>
        lags(query.tenant).pipe(
          Effect.map((all) => [...all].sort(byPlace).map((lag) => answerOf(readers, lag))),
          Effect.catchTag("NatsError", natsFailure),
          Effect.timeoutOrElse({
            duration: ANSWER_TIMEOUT,
            orElse: () => Effect.fail(away(`NATS has not said all within ${ANSWER_TIMEOUT}`))
          })
        )
    })
  })
)
