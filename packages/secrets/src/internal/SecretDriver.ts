/**
 * What a driver does: the store's operations on names and values that are known to be good, failing with bare reasons.
 */
import type { Effect, Redacted } from "effect"
import type { SecretReason } from "../SecretError.ts"
import type { SecretName } from "../SecretName.ts"

/** One way to keep secrets. */
export interface SecretDriver {
  readonly create: (
    name: SecretName,
    value: Redacted.Redacted<string>
  ) => Effect.Effect<"created" | "exists", SecretReason>
  readonly read: (name: SecretName) => Effect.Effect<Redacted.Redacted<string> | undefined, SecretReason>
  readonly replace: (name: SecretName, value: Redacted.Redacted<string>) => Effect.Effect<void, SecretReason>
  readonly remove: (name: SecretName) => Effect.Effect<void, SecretReason>
  /** In any order. */
  readonly list: (owner: string) => Effect.Effect<ReadonlyArray<string>, SecretReason>
}
