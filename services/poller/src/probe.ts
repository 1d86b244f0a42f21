/**
 * One look at a target: an HTTP request, or a TCP connection.
 */
import { connect } from "node:net"
import { Clock, Effect } from "effect"
import type { Check, HttpCheck, TcpCheck } from "./Check.ts"

/** What a look found. */
export interface Observation {
  /** Why the target did not answer as wanted; absent when it did. */
  readonly problem?: string
  readonly durationMs: number
}

const problemOf = (error: unknown): string => {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  if (cause instanceof Error && "code" in cause && typeof cause.code === "string") return cause.code
  return cause instanceof Error ? cause.message : String(cause)
}

const lookHttp = async (check: HttpCheck, signal: AbortSignal): Promise<string | undefined> => {
  const response = await fetch(check.url, { signal, redirect: "manual", headers: { "user-agent": "bulkhead-poller" } })
  await response.body?.cancel()
  const isGood = check.expectedStatus === undefined ? response.status < 400 : response.status === check.expectedStatus
  return isGood ? undefined : `HTTP status ${response.status}, wanted ${check.expectedStatus ?? "less than 400"}`
}

const lookTcp = (check: TcpCheck, signal: AbortSignal): Promise<undefined> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host: check.host, port: check.port, signal })
    socket.once("connect", () => {
      socket.destroy()
      resolve(undefined)
    })
    socket.once("error", reject)
  })

/** Looks once. Never fails: what goes wrong is the observation. */
export const probe = Effect.fn("probe")(function* (check: Check) {
  const startedAt = yield* Clock.currentTimeMillis
  const problem = yield* Effect.tryPromise({
    try: (signal) => (check.type === "http" ? lookHttp(check, signal) : lookTcp(check, signal)),
    catch: problemOf
  }).pipe(
    Effect.catch((problem) => Effect.succeed(problem)),
    Effect.timeoutOrElse({
      duration: check.timeoutMs,
      orElse: () => Effect.succeed(`no answer within ${check.timeoutMs} ms`)
    })
  )
  const durationMs = (yield* Clock.currentTimeMillis) - startedAt
  const observation: Observation = problem === undefined ? { durationMs } : { problem, durationMs }
  return observation
})
