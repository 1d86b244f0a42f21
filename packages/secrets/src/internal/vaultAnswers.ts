/**
 * What Vault's answers mean when they are not what was asked for.
 */
import { Effect } from "effect"
import {
  type SecretReason,
  SecretStoreMisconfigured,
  SecretStoreRefused,
  SecretStoreUnavailable
} from "../SecretError.ts"
import { field } from "./field.ts"
import type { HttpAnswer } from "./httpCaller.ts"

/** What was asked of Vault. */
export interface VaultQuestion {
  /** Vault's name in messages. */
  readonly store: string
  /** The path as policies name it. */
  readonly path: string
  /** The capabilities that it takes. */
  readonly right: string
}

/** The texts of `errors`. Only looked at, never repeated: they are not ours to vouch for. */
export const errorsIn = (answer: HttpAnswer): ReadonlyArray<string> => {
  const errors = field(answer.body, "errors")
  return Array.isArray(errors) ? errors.map(String) : []
}

const unavailable = (store: string, problem: string, nextStep = "wait and try again") =>
  new SecretStoreUnavailable({ store, problem, nextStep })

/** 412: a replica that lags; 429: a quota; 3xx: a standby that does not forward. */
export const vaultFailure = ({ store, path, right }: VaultQuestion, answer: HttpAnswer): SecretReason => {
  const { status } = answer
  if (status === 503 && errorsIn(answer).some((text) => /sealed/i.test(text))) {
    return unavailable(store, "it is sealed", "unseal it with `vault operator unseal` or `bao operator unseal`")
  }
  if (status >= 500 || status === 429 || status === 412) return unavailable(store, `it answered ${status}`)
  if (status >= 300 && status < 400) {
    return unavailable(store, `it answered ${status}, as a standby does`, "let VAULT_ADDR name the active node")
  }
  if (status === 401 || status === 403) {
    return new SecretStoreRefused({
      store,
      path,
      right,
      nextStep: `give the policy of this login "${right}" on that path`
    })
  }
  return new SecretStoreMisconfigured({
    problem: `${store} answered ${status} to "${path}"`,
    nextStep: "check that VAULT_ADDR, VAULT_NAMESPACE and VAULT_MOUNT name a KV engine of version 2"
  })
}

export const failAs = (question: VaultQuestion, answer: HttpAnswer): Effect.Effect<never, SecretReason> =>
  Effect.fail(vaultFailure(question, answer))
