/**
 * Whether the clocks of core, NATS and PostgreSQL agree: credentials are valid from one second to another, and whoever
 * signs them, checks them and remembers them goes by its own clock.
 */
import { Nats } from "@bulkhead/nats"
import { Database } from "@bulkhead/storage"
import { Clock, Effect } from "effect"
import type { Finding } from "../api/DiagnosisApi.ts"
import { lifecycleStream } from "../streams/planOfPlatform.ts"
import { failed, ok } from "./finding.ts"

/** Credentials count in seconds, and a loaded machine answers late. */
const SKEW_MS_MAX = 2_000
const ANSWER_TIMEOUT_MS = 2_000

/** How far each server's clock is ahead of core's, milliseconds. */
export const judgeClocks = (aheadMs: Readonly<Record<string, number>>): Finding => {
  const seen = Object.entries(aheadMs).map(
    ([server, ms]) => `${server} ${ms < 0 ? "-" : "+"}${Math.abs(Math.round(ms))} ms`
  )
  const wrong = Object.entries(aheadMs).find(([, ms]) => Math.abs(ms) > SKEW_MS_MAX)
  if (wrong === undefined) return ok(`against core's clock: ${seen.join(", ")}`)
  return failed(
    `against core's clock: ${seen.join(", ")}; the limit is ${SKEW_MS_MAX} ms`,
    `Set the clocks of core and ${wrong[0]} by the same time server`
  )
}

/** The difference to the middle of the question. */
const aheadOfUs = <E, R>(theirs: Effect.Effect<number, E, R>) =>
  Effect.gen(function* () {
    const asked = yield* Clock.currentTimeMillis
    const theirMs = yield* theirs
    return theirMs - (asked + (yield* Clock.currentTimeMillis)) / 2
  })

const timeOfNats = Effect.gen(function* () {
  const { name } = yield* lifecycleStream
  const connection = yield* (yield* Nats).connection
  const reply = yield* Effect.tryPromise(() =>
    connection.request(`$JS.API.STREAM.INFO.${name}`, "", { timeout: ANSWER_TIMEOUT_MS })
  )
  return Date.parse(reply.json<{ readonly ts: string }>().ts)
})

const timeOfPostgres = Effect.gen(function* () {
  const { sql } = yield* Database
  const [row] = yield* sql<{ ms: number }>`select extract(epoch from clock_timestamp())::float8 * 1000 as ms`
  return row?.ms ?? Number.NaN
})

export const checkClocks = Effect.gen(function* () {
  return judgeClocks({
    NATS: yield* aheadOfUs(timeOfNats),
    PostgreSQL: yield* aheadOfUs(timeOfPostgres)
  })
})
