/**
 * A stand-in for Vault: what its documentation says of KV version 2, tokens, AppRole and Kubernetes login, and of a
 * sealed server, as far as the driver looks at it.
 */
import { Effect } from "effect"
import { type Request, type Response, serveJson } from "./serveJson.ts"

interface Entry {
  readonly versions: Array<{ readonly data: unknown; isDeleted: boolean }>
}

/** Who may log in, and what the tokens are good for. */
export const ROLE_ID = "role-1"
export const SECRET_ID = "hidden-secret-id"
export const JWT = "hidden-jwt"
export const ROOT = "hidden-root-token"

const refused: Response = { status: 403, body: { errors: ["permission denied"] } }
const absent: Response = { status: 404, body: { errors: [] } }

export class VaultStandIn {
  isSealed = false
  /** Answers everything with this status instead. */
  brokenWith: number | undefined
  /** Paths that no token may use. */
  readonly forbidden = new Set<string>()
  /** Seconds of each lease; 0 for ever. */
  leaseSeconds = 0
  kvVersion = "2"
  logins = 0
  renewals = 0
  readonly seen: Array<Request> = []
  readonly #tokens = new Set([ROOT])
  readonly #entries = new Map<string, Entry>()

  revokeTokens(): void {
    this.#tokens.clear()
  }

  grantToken(token: string): void {
    this.#tokens.add(token)
  }

  /** As `vault kv delete` does: the newest version is hidden, the older ones stay. */
  softDelete(path: string): void {
    const newest = this.#entries.get(path)?.versions.at(-1)
    if (newest !== undefined) newest.isDeleted = true
  }

  /** As a person may with the command line. */
  write(path: string, data: unknown): void {
    this.#entries.set(path, { versions: [{ data, isDeleted: false }] })
  }

  readonly answer = (request: Request): Response => {
    this.seen.push(request)
    const path = decodeURIComponent(request.url.pathname.replace("/v1/", ""))
    if (this.isSealed) return { status: 503, body: { errors: ["Vault is sealed"] } }
    if (this.brokenWith !== undefined) return { status: this.brokenWith, body: { errors: ["broken"] } }
    if (path.startsWith("auth/") && path.endsWith("/login")) return this.#logIn(path, request.body)
    if (!this.#tokens.has(String(request.headers["x-vault-token"]))) return refused
    if (path === "auth/token/lookup-self") {
      return { status: 200, body: { data: { ttl: this.leaseSeconds, renewable: this.leaseSeconds > 0 } } }
    }
    if (path === "auth/token/renew-self") {
      this.renewals += 1
      return { status: 200, body: { auth: this.#lease() } }
    }
    if (this.forbidden.has(path)) return refused
    if (path === "sys/internal/ui/mounts/secret") {
      return { status: 200, body: { data: { type: "kv", options: { version: this.kvVersion } } } }
    }
    const [, kind, key] = /^secret\/(data|metadata)\/(.+)$/.exec(path) ?? []
    if (kind === "data" && key !== undefined) return this.#data(request, key)
    if (kind === "metadata" && key !== undefined) return this.#metadata(request, key)
    return { status: 404, body: { errors: [`no handler for route "${path}"`] } }
  }

  #lease() {
    return { lease_duration: this.leaseSeconds, renewable: this.leaseSeconds > 0 }
  }

  #logIn(path: string, body: unknown): Response {
    this.logins += 1
    const sent = JSON.stringify(body)
    const isKnown =
      path === "auth/approle/login"
        ? sent === JSON.stringify({ role_id: ROLE_ID, secret_id: SECRET_ID })
        : path === "auth/kubernetes/login" && sent === JSON.stringify({ role: "bulkhead", jwt: JWT })
    if (!isKnown) return { status: 400, body: { errors: ["invalid role or secret ID"] } }
    const token = `hidden-token-${this.logins}`
    this.#tokens.add(token)
    return { status: 200, body: { auth: { client_token: token, ...this.#lease() } } }
  }

  #data({ method, body }: Request, key: string): Response {
    const entry = this.#entries.get(key)
    if (method === "GET") {
      const newest = entry?.versions.at(-1)
      if (newest === undefined) return absent
      const metadata = {
        version: entry?.versions.length,
        deletion_time: newest.isDeleted ? "2026-11-24T00:00:00Z" : ""
      }
      const data = newest.isDeleted ? null : newest.data
      return { status: newest.isDeleted ? 404 : 200, body: { data: { data, metadata } } }
    }
    const { data, options } = body as { data: unknown; options?: { cas?: number } }
    const versions = entry?.versions ?? []
    if (options?.cas !== undefined && options.cas !== versions.length) {
      return { status: 400, body: { errors: ["check-and-set parameter did not match the current version"] } }
    }
    this.#entries.set(key, { versions: [...versions, { data, isDeleted: false }] })
    return { status: 200, body: { data: { version: versions.length + 1 } } }
  }

  #metadata({ method, url }: Request, key: string): Response {
    if (method === "DELETE") {
      this.#entries.delete(key)
      return { status: 204 }
    }
    if (url.searchParams.get("list") !== "true") return { status: 405, body: { errors: ["unsupported operation"] } }
    const below = [...this.#entries.keys()].filter((path) => path.startsWith(`${key}/`))
    const keys = new Set(below.map((path) => path.slice(key.length + 1).replace(/\/.*/, "/")))
    return keys.size === 0 ? absent : { status: 200, body: { data: { keys: [...keys].sort() } } }
  }
}

/** A stand-in and its address. */
export const startVaultStandIn = Effect.gen(function* () {
  const vault = new VaultStandIn()
  return { vault, address: yield* serveJson(vault.answer) }
})
