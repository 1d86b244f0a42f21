/**
 * What the dead letters API does: it translates between callers and the tenant's schema.
 */
import { isTenantSlug, type TenantSlug } from "@bulkhead/channels"
import { FlowDecoder } from "@bulkhead/flows"
import { letterDecoder, retryDeadLetters } from "@bulkhead/pipeline"
import type { RuleEngine } from "@bulkhead/rules"
import {
  DeadLetters,
  type RuleStore,
  type DeadLetterEntry as StoredEntry,
  type DeadLetterFilter as StoredFilter
} from "@bulkhead/storage"
import { DateTime, Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { DeadLetterCounts } from "../lanes/DeadLetterCounts.ts"
import { runRulesAgain } from "../rules/runRulesAgain.ts"
import { CoreApi } from "./CoreApi.ts"
import type { DeadLetterEntry, DeadLetterFilter } from "./DeadLettersApi.ts"
import { ConfirmationProblem, DeadLetterUnknownProblem } from "./problems.ts"
import { schemaFailures } from "./schemaFailures.ts"
import { unknownTenant } from "./tenantFailures.ts"

const storedFilter = ({ since, until, ...filter }: typeof DeadLetterFilter.Type): StoredFilter => ({
  ...filter,
  ...(since === undefined ? {} : { since: DateTime.toDateUtc(since) }),
  ...(until === undefined ? {} : { until: DateTime.toDateUtc(until) })
})

/** A filter in words, which whoever purges by it repeats. */
const inWords = ({ since, until, ...filter }: typeof DeadLetterFilter.Type): string => {
  const parts = [
    ...Object.entries(filter).filter(([, value]) => value !== undefined),
    ...(since === undefined ? [] : [["since", DateTime.formatIso(since)]]),
    ...(until === undefined ? [] : [["until", DateTime.formatIso(until)]])
  ]
  return parts.length === 0 ? "all" : parts.map(([name, value]) => `${name}=${value}`).join(" ")
}

const entryOf = ({ receivedAt, createdAt, attemptedAt, ...entry }: StoredEntry): DeadLetterEntry => ({
  ...entry,
  receivedAt: DateTime.makeUnsafe(receivedAt),
  createdAt: DateTime.makeUnsafe(createdAt),
  ...(attemptedAt === null ? {} : { attemptedAt: DateTime.makeUnsafe(attemptedAt) })
})

const decoder = new TextDecoder("utf-8", { fatal: true })

const textOf = (payload: Uint8Array): string | undefined => {
  try {
    return decoder.decode(payload)
  } catch {
    return undefined
  }
}

const countOf = (outcomes: ReadonlyArray<{ readonly outcome: string }>, wanted: string): number =>
  outcomes.filter(({ outcome }) => outcome === wanted).length

export const DeadLettersHandlers = HttpApiBuilder.group(
  CoreApi,
  "deadLetters",
  Effect.fn(function* (handlers) {
    const letters = yield* DeadLetters
    const known = yield* DeadLetterCounts
    const decode = letterDecoder(yield* FlowDecoder)
    const rules = yield* Effect.context<RuleStore | RuleEngine>()

    const slugOf = (slug: string) => (isTenantSlug(slug) ? Effect.succeed(slug) : unknownTenant(slug))

    /** Whatever changes letters ends with a look at how many there are now. */
    const counted = (tenant: TenantSlug) => Effect.ignore(known.refresh(tenant))

    return handlers.handleAll({
      list: Effect.fnUntraced(function* ({ params, query: { before, limit, ...filter } }) {
        const tenant = yield* slugOf(params.slug)
        const page = before === undefined ? { limit: limit + 1 } : { limit: limit + 1, beforeId: before }
        const found = yield* letters.list(tenant, storedFilter(filter), page).pipe(schemaFailures(tenant))
        const counts = yield* letters.counts(tenant).pipe(schemaFailures(tenant))
        const shown = found.slice(0, limit)
        const last = found.length > limit ? shown.at(-1)?.id : undefined
        return { letters: shown.map(entryOf), counts, ...(last === undefined ? {} : { next: last }) }
      }),
      get: Effect.fnUntraced(function* ({ params }) {
        const tenant = yield* slugOf(params.slug)
        const letter = yield* letters.get(tenant, params.id).pipe(schemaFailures(tenant))
        if (letter === undefined) {
          return yield* new DeadLetterUnknownProblem({
            detail: `Tenant "${tenant}" has no dead letter ${params.id}: it was stored, purged or has expired. List them with GET /v1/tenants/${tenant}/dead-letters`
          })
        }
        const { headers, payload, ...entry } = letter
        const text = textOf(payload)
        return {
          ...entryOf({ ...entry, payloadBytes: payload.byteLength }),
          headers,
          payloadBase64: Buffer.from(payload).toString("base64"),
          ...(text === undefined ? {} : { payloadText: text })
        }
      }),
      retry: Effect.fnUntraced(function* ({ params, payload }) {
        const tenant = yield* slugOf(params.slug)
        const selection =
          "ids" in payload
            ? payload
            : {
                filter: storedFilter(payload.filter),
                limit: payload.limit,
                ...(payload.after === undefined ? {} : { afterId: payload.after })
              }
        const { outcomes, left } = yield* retryDeadLetters(tenant, selection, decode, (letters) =>
          Effect.provideContext(runRulesAgain(tenant, letters), rules)
        ).pipe(schemaFailures(tenant), Effect.ensuring(counted(tenant)))
        const last = left === 0 ? undefined : outcomes.at(-1)?.id
        return {
          stored: countOf(outcomes, "stored"),
          kept: countOf(outcomes, "kept"),
          gone: countOf(outcomes, "gone"),
          left,
          ...(last === undefined ? {} : { next: last }),
          outcomes
        }
      }),
      purge: Effect.fnUntraced(function* ({ params, payload }) {
        const tenant = yield* slugOf(params.slug)
        if ("filter" in payload && payload.confirm !== inWords(payload.filter)) {
          const count = yield* letters.count(tenant, storedFilter(payload.filter)).pipe(schemaFailures(tenant))
          const confirm = inWords(payload.filter)
          const said = payload.confirm === undefined ? "nothing is confirmed" : `"${payload.confirm}" is confirmed`
          return yield* new ConfirmationProblem({
            detail: `The filter finds ${count} dead letters of tenant "${tenant}", which would be gone for good, and ${said}. To purge them send the same request with "confirm": ${JSON.stringify(confirm)}`,
            letters: count,
            confirm
          })
        }
        const which = "ids" in payload ? payload : { filter: storedFilter(payload.filter) }
        const purged = yield* letters
          .purge(tenant, which)
          .pipe(schemaFailures(tenant), Effect.ensuring(counted(tenant)))
        yield* Effect.logInfo("dead letters purged", {
          tenant,
          purged,
          which: "ids" in payload ? `${payload.ids.length} by id` : inWords(payload.filter)
        })
        return { purged }
      })
    })
  })
)
