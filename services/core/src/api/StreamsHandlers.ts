/**
 * What the streams API does: it computes the plan, compares it with the server and makes the server follow it, and asks
 * the server for the lag of readers.
 */
import { isTenantSlug } from "@bulkhead/channels"
import {
  type ChangesRefused,
  fingerprint,
  makeChanges,
  type Nats,
  type NatsError,
  type ReaderLag as ObservedLag,
  refuseChanges,
  type StreamChange,
  type StreamReader
} from "@bulkhead/nats"
import { DateTime, Effect, Queue, Stream } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { type Comparison, compareWithServer } from "../streams/compareWithServer.ts"
import { planOfPlatform, readersOfPlatform } from "../streams/planOfPlatform.ts"
import { lagsOfAll, lagsOfTenant, readerOf } from "../streams/readerLags.ts"
import { TenantRegistry } from "../tenants/TenantRegistry.ts"
import { CoreApi } from "./CoreApi.ts"
import { ChangesRefusedProblem, RefusedProblem, UnavailableProblem } from "./problems.ts"
import type { ApplyEvent, ReaderLag } from "./StreamsApi.ts"
import { unavailable, unknownTenant } from "./tenantFailures.ts"

const ANSWER_TIMEOUT = "30 seconds"

const away = (detail: string) => new UnavailableProblem({ detail, dependency: "nats" })

const natsFailure = (error: NatsError) =>
  Effect.fail(error.isRetryable ? away(error.message) : new RefusedProblem({ detail: error.message }))

const changesRefused = (error: ChangesRefused) =>
  Effect.fail(new ChangesRefusedProblem({ detail: error.message, problems: error.problems, nextStep: error.nextStep }))

const inTime = Effect.timeoutOrElse({
  duration: ANSWER_TIMEOUT,
  orElse: () => Effect.fail(away(`NATS has not said all within ${ANSWER_TIMEOUT}`))
})

const madeEvent = (change: StreamChange, made: number, wanted: number): ApplyEvent => {
  const { kind, stream } = change
  return { event: "made", kind, stream, ...("consumer" in change ? { consumer: change.consumer } : {}), made, wanted }
}

/** Makes the changes, and tells of each. */
const making = (changes: ReadonlyArray<StreamChange>): Stream.Stream<ApplyEvent, never, Nats> =>
  Stream.callback<ApplyEvent, never, Nats>((events) =>
    makeChanges(changes, (...change) => Effect.asVoid(Queue.offer(events, madeEvent(...change)))).pipe(
      Effect.match({
        onSuccess: (): ApplyEvent => ({ event: "done", made: changes.length }),
        onFailure: ({ message }): ApplyEvent => ({ event: "interrupted", problem: message })
      }),
      Effect.flatMap((last) => Queue.offer(events, last)),
      Effect.andThen(Queue.end(events))
    )
  )

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

    const nats = yield* Effect.context<Nats>()

    const known = Effect.fnUntraced(function* (slug: string) {
      if (!isTenantSlug(slug) || (yield* registry.tenant(slug)) === undefined) return yield* unknownTenant(slug)
      return slug
    })

    const lags = Effect.fnUntraced(function* (slug: string | undefined) {
      return slug === undefined ? yield* lagsOfAll : yield* lagsOfTenant(yield* known(slug))
    })

    const compare = Effect.fnUntraced(function* ({
      tenant,
      ...question
    }: Omit<Comparison, "tenant"> & { readonly tenant?: string }) {
      return yield* compareWithServer(tenant === undefined ? question : { ...question, tenant: yield* known(tenant) })
    })

    return handlers.handleAll({
      plan: ({ query }) =>
        planOfPlatform(query).pipe(
          Effect.catchTag("StorageError", unavailable),
          Effect.timeoutOrElse({ duration: ANSWER_TIMEOUT, orElse: () => Effect.fail(away("NATS cannot be reached")) })
        ),
      compare: ({ query }) =>
        compare(query).pipe(
          Effect.map(({ diff }) => ({ ...diff, fingerprint: fingerprint(diff) })),
          Effect.catchTag("NatsError", natsFailure),
          Effect.catchTag("StorageError", unavailable),
          inTime
        ),
      apply: ({ payload: { tenant, ...terms } }) =>
        Effect.gen(function* () {
          const { server, diff } = yield* compare(tenant === undefined ? {} : { tenant })
          yield* refuseChanges(diff, server, terms)
          yield* Effect.logInfo("streams are made as planned", { changes: diff.changes.length })
          return Stream.provideContext(making(diff.changes), nats)
        }).pipe(
          Effect.catchTag("ChangesRefused", changesRefused),
          Effect.catchTag("NatsError", natsFailure),
          Effect.catchTag("StorageError", unavailable),
          inTime
        ),
      lag: ({ query }) =>
        lags(query.tenant).pipe(
          Effect.map((all) => [...all].sort(byPlace).map((lag) => answerOf(readers, lag))),
          Effect.catchTag("NatsError", natsFailure),
          inTime
        )
    })
  })
)
