import { SecretStore } from "@bulkhead/secrets"
import { Effect, type Redacted } from "effect"

/** The tenant's seed: the one in the store, or `made` when there is none yet. All processes get the same. */
export const seedOf = Effect.fnUntraced(function* (tenant: string, made: Redacted.Redacted<string>) {
  const secrets = yield* SecretStore
  const name = { owner: tenant, purpose: "signing-seed" }
  yield* secrets.create(name, made)
  return (yield* secrets.read(name)) ?? made
})
