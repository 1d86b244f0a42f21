/**
 * What a look at one place gives.
 */
import { Effect } from "effect"
import type { Finding } from "../api/DiagnosisApi.ts"

/** Longer than the signer is waited for, so that its own words arrive. */
export const LOOK_TIMEOUT_MS = 20_000

export const ok = (seen: string): Finding => ({ outcome: "ok", seen })

export const failed = (seen: string, nextStep: string): Finding => ({ outcome: "failed", seen, nextStep })

export const skipped = (seen: string): Finding => ({ outcome: "skipped", seen })

const LOOK_AT_LOG = "Ask again, and look at core's log"

export const unanswered = failed(`no answer within ${LOOK_TIMEOUT_MS} ms`, LOOK_AT_LOG)

export const unexplained = ({ message }: Error): Finding => failed(message, LOOK_AT_LOG)

/** A look that has no answer has found a fault too. */
export const looking = <R>(look: Effect.Effect<Finding, Error, R>): Effect.Effect<Finding, never, R> =>
  look.pipe(
    Effect.timeoutOrElse({ duration: LOOK_TIMEOUT_MS, orElse: () => Effect.succeed(unanswered) }),
    Effect.catch((error) => Effect.succeed(unexplained(error)))
  )
