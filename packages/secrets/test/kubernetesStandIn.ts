/**
 * A stand-in for the API server of Kubernetes: what its documentation says of Secrets, as far as the driver looks at it.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect } from "effect"
import { type Request, type Response, serveJson } from "../testing/serveJson.ts"

interface SecretObject {
  readonly metadata: {
    readonly name: string
    readonly labels: Readonly<Record<string, string>>
    readonly annotations: Readonly<Record<string, string>>
  }
  readonly data: Readonly<Record<string, string>>
}

const COLLECTION = "/api/v1/namespaces/platform/secrets"
const DNS_SUBDOMAIN = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/
const LABEL_VALUE = /^(?=.{0,63}$)([A-Za-z0-9]([-\w.]*[A-Za-z0-9])?)?$/
const BASE64 = /^[A-Za-z0-9+/]*=*$/

const failure = (code: number, reason: string, name = ""): Response => ({
  status: code,
  body: { kind: "Status", status: "Failure", reason, code, details: { name, kind: "secrets" } }
})

export class KubernetesStandIn {
  token = "hidden-service-account-token"
  /** Answers everything with this status instead. */
  brokenWith: number | undefined
  /** Verbs that the service account has no right to. */
  readonly forbidden = new Set<string>()
  /** Called before each answer. */
  before: (request: Request) => void = () => {}
  readonly objects = new Map<string, SecretObject>()
  readonly seen: Array<Request> = []

  readonly answer = (request: Request): Response => {
    this.seen.push(request)
    this.before(request)
    if (this.brokenWith !== undefined) return failure(this.brokenWith, "InternalError")
    if (request.headers.authorization !== `Bearer ${this.token}`) return failure(401, "Unauthorized")
    const { pathname } = request.url
    if (!pathname.startsWith(COLLECTION)) return { status: 404, body: "404 page not found" }
    const name = pathname.slice(COLLECTION.length + 1)
    const verb = verbOf(request.method, name)
    if (this.forbidden.has(verb)) return failure(403, "Forbidden", name)
    switch (verb) {
      case "list":
        return this.#list(request.url.searchParams)
      case "create":
        return this.#create(request.body as SecretObject)
      default:
        return this.#one(verb, name, request.body as SecretObject)
    }
  }

  #create(object: SecretObject): Response {
    const { name } = object.metadata
    if (this.objects.has(name)) return failure(409, "AlreadyExists", name)
    if (!isValid(object)) return failure(422, "Invalid", name)
    this.objects.set(name, object)
    return { status: 201, body: object }
  }

  #one(verb: string, name: string, body: SecretObject): Response {
    const object = this.objects.get(name)
    if (object === undefined) return failure(404, "NotFound", name)
    if (verb === "get") return { status: 200, body: object }
    if (verb === "delete") {
      this.objects.delete(name)
      return { status: 200, body: { kind: "Status", status: "Success" } }
    }
    if (body.metadata.name !== name || !isValid(body)) return failure(422, "Invalid", name)
    this.objects.set(name, body)
    return { status: 200, body }
  }

  /** Pages are of two, whatever was asked for, so that every longer list has several. */
  #list(query: URLSearchParams): Response {
    const wanted = (query.get("labelSelector") ?? "").split(",").map((term) => term.split("="))
    const found = [...this.objects.values()].filter(({ metadata }) =>
      wanted.every(([label, value]) => metadata.labels[label ?? ""] === value)
    )
    const from = Number(query.get("continue") ?? 0)
    const next = from + 2 < found.length ? String(from + 2) : ""
    const items = found.slice(from, from + 2).map(({ metadata }) => ({ metadata }))
    return { status: 200, body: { kind: "PartialObjectMetadataList", metadata: { continue: next }, items } }
  }
}

const verbOf = (method: string, name: string): string => {
  if (name === "") return method === "POST" ? "create" : "list"
  return { GET: "get", PUT: "update", DELETE: "delete" }[method] ?? method
}

const isValid = ({ metadata, data }: SecretObject): boolean =>
  DNS_SUBDOMAIN.test(metadata.name) &&
  Object.values(metadata.labels).every((value) => LABEL_VALUE.test(value)) &&
  Object.values(data).every((value) => BASE64.test(value))

/** A stand-in, and how to reach it. */
export const startKubernetesStandIn = Effect.gen(function* () {
  const kubernetes = new KubernetesStandIn()
  const server = yield* serveJson(kubernetes.answer)
  const folder = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "bulkhead-k8s-"))),
    (path) => Effect.sync(() => rmSync(path, { recursive: true }))
  )
  const tokenFile = join(folder, "token")
  /** What the kubelet does before a token ends. */
  const renewToken = (token: string) =>
    Effect.sync(() => {
      writeFileSync(tokenFile, `${token}\n`)
      kubernetes.token = token
    })
  yield* renewToken(kubernetes.token)
  return { kubernetes, renewToken, folder, options: { server, namespace: "platform", tokenFile } }
})
