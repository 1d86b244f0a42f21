/**
 * Secrets as Secret objects of Kubernetes, one for each. Its annotations say whose it is; its labels find it.
 */
import { Effect, Redacted } from "effect"
import type { KubernetesOptions } from "../KubernetesOptions.ts"
import {
  type SecretReason,
  SecretStoreMisconfigured,
  SecretStoreRefused,
  SecretStoreUnavailable,
  SecretUnreadable
} from "../SecretError.ts"
import type { SecretName } from "../SecretName.ts"
import { awaitStore } from "./awaitStore.ts"
import { field } from "./field.ts"
import { type HttpAnswer, type HttpCall, httpCaller } from "./httpCaller.ts"
import { REQUEST_TIMEOUT_MS, START_TIMEOUT_MS } from "./httpStoreTimes.ts"
import { hashOf, kubernetesName } from "./kubernetesName.ts"
import { readSecretFile } from "./readSecretFile.ts"
import type { SecretDriver } from "./SecretDriver.ts"
import { serviceAccountFile } from "./serviceAccountFile.ts"

const LABEL = { store: "bulkhead/store", owner: "bulkhead/owner" } as const
const ANNOTATION = { owner: "bulkhead/owner", purpose: "bulkhead/purpose" } as const

const DNS_LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/
const PAGE_SECRETS_MAX = 500
/** Somebody who removes and makes the same secret at each of our steps is worth this many tries. */
const REPLACE_TRIES_MAX = 5

/** Names and labels travel, values do not. */
const METADATA_ONLY = { accept: "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1" }

const settingsOf = Effect.fnUntraced(function* (options: KubernetesOptions) {
  const { namespace, prefix = "bulkhead" } = options
  for (const [setting, text] of Object.entries({ K8S_NAMESPACE: namespace, K8S_SECRET_PREFIX: prefix })) {
    if (DNS_LABEL.test(text)) continue
    return yield* new SecretStoreMisconfigured({
      problem: `"${text}" in ${setting} is no DNS label`,
      nextStep: "take 1 to 63 characters of a-z, 0-9 and -, no - at the ends"
    })
  }
  return {
    namespace,
    prefix,
    store: `Kubernetes at ${options.server}`,
    collection: `/api/v1/namespaces/${namespace}/secrets`
  }
})

export const kubernetesDriver = Effect.fnUntraced(function* (options: KubernetesOptions) {
  const { namespace, prefix, store, collection } = yield* settingsOf(options)
  const caller = httpCaller({
    store,
    address: options.server,
    caFile: options.server.startsWith("https:") ? (options.caFile ?? serviceAccountFile("ca.crt")) : undefined,
    caSetting: "K8S_CA_FILE",
    timeoutMs: options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS
  })
  // Read each time: the kubelet replaces the file well before the token in it ends.
  const token = readSecretFile("K8S_TOKEN_FILE", options.tokenFile ?? serviceAccountFile("token"))
  const call = (request: HttpCall) =>
    Effect.flatMap(token, (bearer) =>
      caller({ ...request, headers: { authorization: `Bearer ${Redacted.value(bearer)}`, ...request.headers } })
    )

  const failAs = (verb: string, answer: HttpAnswer) => Effect.fail(failure(store, namespace, verb, answer))
  const pathOf = (name: SecretName) => `${collection}/${kubernetesName(prefix, name)}`

  const objectOf = (name: SecretName, value: Redacted.Redacted<string>) => ({
    apiVersion: "v1",
    kind: "Secret",
    type: "Opaque",
    metadata: {
      name: kubernetesName(prefix, name),
      labels: { [LABEL.store]: prefix, [LABEL.owner]: hashOf(name.owner) },
      annotations: { [ANNOTATION.owner]: name.owner, [ANNOTATION.purpose]: name.purpose }
    },
    data: { value: Buffer.from(Redacted.value(value)).toString("base64") }
  })

  const create = Effect.fnUntraced(function* (name: SecretName, value: Redacted.Redacted<string>) {
    const answer = yield* call({ method: "POST", path: collection, body: objectOf(name, value) })
    if (answer.status === 201) return "created"
    if (answer.status === 409 && field(answer.body, "reason") === "AlreadyExists") return "exists"
    return yield* failAs("create", answer)
  })

  const put = Effect.fnUntraced(function* (name: SecretName, value: Redacted.Redacted<string>) {
    const answer = yield* call({ method: "PUT", path: pathOf(name), body: objectOf(name, value) })
    if (answer.status === 200 || answer.status === 201) return true
    return isAbsent(answer) ? false : yield* failAs("update", answer)
  })

  const replace = Effect.fnUntraced(function* (name: SecretName, value: Redacted.Redacted<string>) {
    for (let tries = 0; tries < REPLACE_TRIES_MAX; tries++) {
      if ((yield* put(name, value)) || (yield* create(name, value)) === "created") return
    }
    const problem = `"${name.owner}/${name.purpose}" was removed and made again ${REPLACE_TRIES_MAX} times meanwhile`
    return yield* new SecretStoreUnavailable({ store, problem, nextStep: "try again" })
  })

  const pageOf = Effect.fnUntraced(function* (selector: string, limit: number, from: string) {
    const query = new URLSearchParams({
      labelSelector: selector,
      limit: String(limit),
      ...(from && { continue: from })
    })
    const answer = yield* call({ method: "GET", path: `${collection}?${query}`, headers: METADATA_ONLY })
    const items = field(answer.body, "items")
    if (answer.status !== 200 || !Array.isArray(items)) return yield* failAs("list", answer)
    return { items, next: String(field(answer.body, "metadata", "continue") ?? "") }
  })

  const list = Effect.fnUntraced(function* (owner: string) {
    const purposes: Array<string> = []
    let next = ""
    do {
      const page = yield* pageOf(`${LABEL.store}=${prefix},${LABEL.owner}=${hashOf(owner)}`, PAGE_SECRETS_MAX, next)
      purposes.push(...page.items.map((item) => String(field(item, "metadata", "annotations", ANNOTATION.purpose))))
      next = page.next
    } while (next !== "")
    return purposes
  })

  yield* pageOf(`${LABEL.store}=${prefix}`, 1, "").pipe(awaitStore(options.startTimeoutMs ?? START_TIMEOUT_MS))

  const driver: SecretDriver = {
    create,
    replace,
    list,
    read: Effect.fnUntraced(function* (name) {
      const answer = yield* call({ method: "GET", path: pathOf(name) })
      if (answer.status === 200) return yield* valueIn(name, answer)
      return isAbsent(answer) ? undefined : yield* failAs("get", answer)
    }),
    remove: Effect.fnUntraced(function* (name) {
      const answer = yield* call({ method: "DELETE", path: pathOf(name) })
      if (answer.status !== 200 && answer.status !== 202 && !isAbsent(answer)) return yield* failAs("delete", answer)
    })
  }
  return driver
})

/** Said by the API server itself about a Secret; a proxy's 404 says nothing about one. */
const isAbsent = ({ status, body }: HttpAnswer): boolean =>
  status === 404 && field(body, "reason") === "NotFound" && field(body, "details", "kind") === "secrets"

const valueIn = (name: SecretName, { body }: HttpAnswer) => {
  const value = field(body, "data", "value")
  const annotations = field(body, "metadata", "annotations")
  const isOurs =
    field(annotations, ANNOTATION.owner) === name.owner && field(annotations, ANNOTATION.purpose) === name.purpose
  if (isOurs && typeof value === "string") {
    return Effect.succeed(Redacted.make(Buffer.from(value, "base64").toString("utf8")))
  }
  return Effect.fail(
    new SecretUnreadable({
      ...name,
      problem: isOurs ? 'has nothing under "value" in its Secret' : "lies in a Secret whose annotations name another",
      nextStep: "somebody changed it by hand: restore the object from a backup"
    })
  )
}

/** 409: somebody wrote at the same moment; 410: a list that took too long. */
const failure = (store: string, namespace: string, verb: string, { status }: HttpAnswer): SecretReason => {
  if (status >= 500 || status === 409 || status === 410 || status === 429) {
    return new SecretStoreUnavailable({ store, problem: `it answered ${status}`, nextStep: "wait and try again" })
  }
  const path = `namespaces/${namespace}/secrets`
  if (status === 401) {
    const nextStep = "it does not know this service account's token: check K8S_TOKEN_FILE"
    return new SecretStoreRefused({ store, path, right: verb, nextStep })
  }
  if (status === 403) {
    const nextStep = `give the service account a Role in that namespace with the verb "${verb}" on secrets`
    return new SecretStoreRefused({ store, path, right: verb, nextStep })
  }
  return new SecretStoreMisconfigured({
    problem: `${store} answered ${status} to "${verb}" on "${path}"`,
    nextStep: "check that KUBERNETES_SERVICE_HOST names an API server and K8S_NAMESPACE a namespace"
  })
}
