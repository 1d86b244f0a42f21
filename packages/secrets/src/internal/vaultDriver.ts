/**
 * Secrets in a KV version 2 engine of Vault or OpenBao: one path for each, `<prefix>/<owner>/<purpose>`, its text under
 * `value`.
 */
import { Effect, Redacted } from "effect"
import { SecretStoreMisconfigured, SecretUnreadable } from "../SecretError.ts"
import type { SecretName } from "../SecretName.ts"
import type { VaultOptions } from "../VaultOptions.ts"
import { awaitStore } from "./awaitStore.ts"
import { field } from "./field.ts"
import { type HttpAnswer, httpCaller } from "./httpCaller.ts"
import { REQUEST_TIMEOUT_MS, START_TIMEOUT_MS } from "./httpStoreTimes.ts"
import type { SecretDriver } from "./SecretDriver.ts"
import { errorsIn, failAs } from "./vaultAnswers.ts"
import { openVaultSession } from "./vaultSession.ts"

/** Vault refuses paths with two dots in a row, and URLs lose them; no name has a tilde. */
const toPath = (part: string): string => part.replaceAll(".", "~")
const fromPath = (part: string): string => part.replaceAll("~", ".")

const PATH = /^[\w-]+(\/[\w-]+)*$/

/** The address without what must not be shown; undefined where it is none. */
const originOf = (address: string): string | undefined => {
  const url = URL.parse(address)
  return url !== null && /^https?:$/.test(url.protocol) && url.username === "" ? url.origin : undefined
}

const settingsOf = Effect.fnUntraced(function* (options: VaultOptions) {
  const { mount = "secret", prefix = "bulkhead" } = options
  const address = originOf(options.address)
  if (address === undefined) {
    return yield* new SecretStoreMisconfigured({
      problem: "VAULT_ADDR is no address without credentials",
      nextStep: "set it to https://host:8200"
    })
  }
  for (const [setting, path] of Object.entries({ VAULT_MOUNT: mount, VAULT_PREFIX: prefix })) {
    if (PATH.test(path)) continue
    return yield* new SecretStoreMisconfigured({
      problem: `"${path}" in ${setting} is no path`,
      nextStep: "take A-Z, a-z, 0-9, _ and -, with single slashes between, none at the ends"
    })
  }
  return { address, mount, prefix, store: `Vault at ${address}` }
})

export const vaultDriver = Effect.fnUntraced(function* (options: VaultOptions) {
  const { address, mount, prefix, store } = yield* settingsOf(options)
  const caller = httpCaller({
    store,
    address,
    caFile: options.caFile,
    caSetting: "VAULT_CACERT",
    timeoutMs: options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS
  })
  const namespace = options.namespace === undefined ? {} : { "x-vault-namespace": options.namespace }
  const headers = { "x-vault-request": "true", ...namespace }
  const session = yield* openVaultSession(
    store,
    (call) => caller({ ...call, headers: { ...headers, ...call.headers } }),
    options.auth
  )

  const dataPath = ({ owner, purpose }: SecretName) => `${mount}/data/${prefix}/${toPath(owner)}/${toPath(purpose)}`
  const metadataPath = (...parts: ReadonlyArray<string>) =>
    [`${mount}/metadata/${prefix}`, ...parts.map(toPath)].join("/")
  const write = (path: string, body: unknown) => session({ method: "POST", path: `/v1/${path}`, body })

  yield* checkMount(store, mount, session({ method: "GET", path: `/v1/sys/internal/ui/mounts/${mount}` })).pipe(
    awaitStore(options.startTimeoutMs ?? START_TIMEOUT_MS)
  )

  const driver: SecretDriver = {
    create: Effect.fnUntraced(function* (name, value) {
      const path = dataPath(name)
      const answer = yield* write(path, { data: { value: Redacted.value(value) }, options: { cas: 0 } })
      if (answer.status === 200) return "created"
      if (answer.status === 400 && errorsIn(answer).some((text) => text.includes("check-and-set"))) return "exists"
      return yield* failAs({ store, path, right: "create" }, answer)
    }),
    read: Effect.fnUntraced(function* (name) {
      const path = dataPath(name)
      const answer = yield* session({ method: "GET", path: `/v1/${path}` })
      if (answer.status === 200) return yield* valueIn(name, answer)
      if (isAbsent(answer)) return undefined
      if (answer.status === 404 && field(answer.body, "data", "metadata") !== undefined) return yield* deleted(name)
      return yield* failAs({ store, path, right: "read" }, answer)
    }),
    replace: Effect.fnUntraced(function* (name, value) {
      const path = dataPath(name)
      const answer = yield* write(path, { data: { value: Redacted.value(value) } })
      if (answer.status !== 200) return yield* failAs({ store, path, right: "create, update" }, answer)
    }),
    remove: Effect.fnUntraced(function* (name) {
      const path = metadataPath(name.owner, name.purpose)
      const answer = yield* session({ method: "DELETE", path: `/v1/${path}` })
      if (answer.status !== 204 && !isAbsent(answer)) return yield* failAs({ store, path, right: "delete" }, answer)
    }),
    list: Effect.fnUntraced(function* (owner) {
      const path = metadataPath(owner)
      const answer = yield* session({ method: "GET", path: `/v1/${path}?list=true` })
      if (isAbsent(answer)) return []
      const keys = field(answer.body, "data", "keys")
      if (answer.status !== 200 || !Array.isArray(keys)) {
        return yield* failAs({ store, path: `${path}/`, right: "list" }, answer)
      }
      return keys
        .map(String)
        .filter((key) => !key.endsWith("/"))
        .map(fromPath)
    })
  }
  return driver
})

/** An engine of version 1 takes the same requests and would quietly overwrite, so it is found out before. */
const checkMount = Effect.fnUntraced(function* <E>(store: string, mount: string, asked: Effect.Effect<HttpAnswer, E>) {
  const answer = yield* asked
  if (answer.status !== 200) {
    return yield* failAs({ store, path: `${mount}/*`, right: "create, read, update, delete, list" }, answer)
  }
  if (field(answer.body, "data", "options", "version") === "2") return
  return yield* new SecretStoreMisconfigured({
    problem: `"${mount}" in ${store} is no KV engine of version 2`,
    nextStep: `name one in VAULT_MOUNT, or make one with \`vault secrets enable -path=${mount} -version=2 kv\``
  })
})

/** A path that holds nothing; a path that leads nowhere says why in `errors`. */
const isAbsent = (answer: HttpAnswer): boolean => {
  const errors = field(answer.body, "errors")
  return answer.status === 404 && Array.isArray(errors) && errors.length === 0
}

const valueIn = (name: SecretName, answer: HttpAnswer) => {
  const value = field(answer.body, "data", "data", "value")
  if (typeof value === "string") return Effect.succeed(Redacted.make(value))
  return Effect.fail(
    new SecretUnreadable({
      ...name,
      problem: 'has no text under "value" in Vault',
      nextStep: "somebody wrote it by hand: roll it back to the version before"
    })
  )
}

/** Not absent: who takes it for absent would make a new key while the old one can still be brought back. */
const deleted = (name: SecretName) =>
  new SecretUnreadable({
    ...name,
    problem: "has its newest version deleted in Vault",
    nextStep: "bring it back with `vault kv undelete`, or delete it for good with `vault kv metadata delete`"
  })
