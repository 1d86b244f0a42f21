/**
 * Our login at Vault. It is renewed at half of its lease, and made again when Vault no longer knows its token.
 */
import { Duration, Effect, FiberHandle, Redacted, Schedule, Semaphore } from "effect"
import { type SecretReason, SecretStoreRefused } from "../SecretError.ts"
import { defaultJwtFile, type VaultAuth } from "../VaultOptions.ts"
import { field } from "./field.ts"
import type { HttpAnswer, HttpCall, HttpCaller } from "./httpCaller.ts"
import { readSecretFile } from "./readSecretFile.ts"
import { failAs } from "./vaultAnswers.ts"

interface Login {
  readonly token: Redacted.Redacted<string>
  /** Seconds; 0 for a token that never ends or cannot be renewed. */
  readonly leaseSeconds: number
}

/** Calls Vault as whoever we are. */
export const openVaultSession = Effect.fnUntraced(function* (store: string, caller: HttpCaller, auth: VaultAuth) {
  const keeper = yield* FiberHandle.make()
  const oneAtATime = yield* Semaphore.make(1)
  let current: Login | undefined

  const callAs = (token: Redacted.Redacted<string>, call: HttpCall) =>
    caller({ ...call, headers: { ...call.headers, "x-vault-token": Redacted.value(token) } })

  const isKnown = (login: Login) => Effect.map(callAs(login.token, LOOKUP), (answer) => answer.status !== 403)

  const renew = Effect.fnUntraced(function* ({ token }: Login) {
    const answer = yield* callAs(token, { method: "POST", path: "/v1/auth/token/renew-self", body: {} })
    if (answer.status !== 200) return yield* failAs({ store, path: "auth/token/renew-self", right: "update" }, answer)
    return leaseOf(field(answer.body, "auth"), "lease_duration")
  })

  /** Ends when the login cannot be renewed any more; whoever is refused then logs in again. */
  const keepAlive = Effect.fnUntraced(
    function* (login: Login) {
      let leaseSeconds = login.leaseSeconds
      while (leaseSeconds > 0) {
        yield* Effect.sleep(Duration.millis(leaseSeconds * 500))
        leaseSeconds = yield* Effect.retry(renew(login), {
          schedule: renewBackoff,
          while: (reason) => reason.isRetryable
        })
      }
    },
    Effect.catch((reason: SecretReason) =>
      Effect.logWarning("the login at Vault was not renewed; the next refusal logs in again", {
        problem: reason.message
      })
    )
  )

  /** The login in force; a new one where there is none, or where it is the one found `dead`. */
  const loggedIn = (dead?: Login) =>
    Effect.gen(function* () {
      if (current !== undefined && current !== dead) return current
      const login = yield* logIn(store, caller, auth)
      yield* FiberHandle.run(keeper, keepAlive(login))
      current = login
      return login
    }).pipe(Semaphore.withPermit(oneAtATime))

  /** Vault says 403 both to a token it does not know and to one without the right; only the first is worth a login. */
  return Effect.fnUntraced(function* (call: HttpCall): Effect.fn.Return<HttpAnswer, SecretReason> {
    const login = yield* loggedIn()
    const answer = yield* callAs(login.token, call)
    if (answer.status !== 403 || (yield* isKnown(login))) return answer
    return yield* callAs((yield* loggedIn(login)).token, call)
  })
})

const LOOKUP: HttpCall = { method: "GET", path: "/v1/auth/token/lookup-self" }

const renewBackoff = Schedule.min([Schedule.exponential("500 millis"), Schedule.spaced("15 seconds")]).pipe(
  Schedule.jittered
)

const leaseOf = (from: unknown, name: "ttl" | "lease_duration"): number =>
  field(from, "renewable") === true ? Number(field(from, name) ?? 0) : 0

const logIn = (store: string, caller: HttpCaller, auth: VaultAuth): Effect.Effect<Login, SecretReason> => {
  switch (auth.method) {
    case "token":
      return withToken(store, caller, auth.token, "VAULT_TOKEN")
    case "tokenFile":
      return Effect.flatMap(readSecretFile("VAULT_TOKEN_FILE", auth.file), (token) =>
        withToken(store, caller, token, `the file "${auth.file}"`)
      )
    case "approle":
      return Effect.flatMap(readSecretFile("VAULT_SECRET_ID_FILE", auth.secretIdFile), (secretId) =>
        withMethod(store, caller, auth.mount ?? "approle", {
          role_id: auth.roleId,
          secret_id: Redacted.value(secretId)
        })
      )
    case "kubernetes":
      return Effect.flatMap(readSecretFile("VAULT_K8S_JWT_FILE", auth.jwtFile ?? defaultJwtFile), (jwt) =>
        withMethod(store, caller, auth.mount ?? "kubernetes", { role: auth.role, jwt: Redacted.value(jwt) })
      )
  }
}

const withToken = Effect.fnUntraced(function* (
  store: string,
  caller: HttpCaller,
  token: Redacted.Redacted<string>,
  source: string
) {
  const answer = yield* caller({ ...LOOKUP, headers: { "x-vault-token": Redacted.value(token) } })
  if (answer.status === 200) return { token, leaseSeconds: leaseOf(field(answer.body, "data"), "ttl") }
  const question = { store, path: "auth/token/lookup-self", right: "read" }
  if (answer.status !== 403) return yield* failAs(question, answer)
  return yield* new SecretStoreRefused({
    ...question,
    nextStep: `the token in ${source} is expired or revoked: renew it`
  })
})

const withMethod = Effect.fnUntraced(function* (
  store: string,
  caller: HttpCaller,
  mount: string,
  body: Readonly<Record<string, string>>
) {
  const path = `auth/${mount}/login`
  const answer = yield* caller({ method: "POST", path: `/v1/${path}`, body })
  const token = field(answer.body, "auth", "client_token")
  if (answer.status === 200 && typeof token === "string") {
    return { token: Redacted.make(token), leaseSeconds: leaseOf(field(answer.body, "auth"), "lease_duration") }
  }
  // A login is refused with 400 as often as with 403.
  if (answer.status >= 500 || answer.status === 429) return yield* failAs({ store, path, right: "update" }, answer)
  return yield* new SecretStoreRefused({
    store,
    path,
    right: "login",
    nextStep: `it answered ${answer.status}: check the role and its secret, and that the method is mounted there`
  })
})
