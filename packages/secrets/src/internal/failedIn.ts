import { Effect } from "effect"
import { SecretError, type SecretReason } from "../SecretError.ts"

/** Gives a reason the operation it belongs to. */
export const failedIn =
  (operation: string) =>
  <A, R>(effect: Effect.Effect<A, SecretReason, R>): Effect.Effect<A, SecretError, R> =>
    Effect.mapError(effect, (reason) => new SecretError({ operation, reason }))
