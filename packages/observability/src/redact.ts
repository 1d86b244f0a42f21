/**
 * Takes secrets out of whatever is about to be logged: values under telling names, credentials in URLs, and what Effect
 * keeps in `Redacted`, at any depth, in errors and their causes too. The last line of defence, not the first: secrets are
 * `Redacted` from the moment they are read.
 */
import { Redacted } from "effect"

const REMOVED = "<redacted>"

/** Names whose values are secrets: `password`, `apiToken`, `NATS_SEED`, `authorization`, `credsFile` and the like. */
const SECRET_NAME =
  /pass(?:word|wd|phrase)?$|secret|token|seed|credential|creds|authorization|cookie|private.?key|api.?key|nkey|jwt/i

/** `scheme://user:password@host`, of which the part before the @ goes. */
const URL_CREDENTIALS = /\b([a-z][a-z0-9+.-]*:\/\/)[^\s/?#@"'<>]*(?::[^\s/?#@"'<>]*)?@/gi
/** Whole secrets that are known by their form: nkey seeds and JWTs. */
const KNOWN_SECRETS = /\bS[ACNOUX][A-Z2-7]{54,56}\b|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g
/** `password=…`, `token: …` inside text. */
const ASSIGNED =
  /\b((?:pass(?:word|wd)?|secret|token|seed|authorization|api[-_]?key)["']?\s*[=:]\s*)(?:bearer\s+)?("[^"]*"|'[^']*'|[^\s,;}"']+)/gi

const DEPTH_MAX = 8
const ITEMS_MAX = 200

/** The text without the secrets in it. */
export const redactText = (text: string): string =>
  text.replace(URL_CREDENTIALS, `$1${REMOVED}@`).replace(KNOWN_SECRETS, REMOVED).replace(ASSIGNED, `$1${REMOVED}`)

const redactError = (error: Error, depth: number, seen: ReadonlySet<object>): unknown => ({
  type: error.name,
  message: redactText(error.message),
  ...(error.stack === undefined ? {} : { stack: redactText(error.stack) }),
  ...(error.cause === undefined ? {} : { cause: redactAt(error.cause, depth + 1, seen) })
})

const redactEntries = (value: object, depth: number, seen: ReadonlySet<object>): unknown =>
  Object.fromEntries(
    Object.entries(value)
      .slice(0, ITEMS_MAX)
      .map(([name, item]) => [name, SECRET_NAME.test(name) ? REMOVED : redactAt(item, depth + 1, seen)])
  )

const redactAt = (value: unknown, depth: number, path: ReadonlySet<object>): unknown => {
  if (typeof value === "string") return redactText(value)
  if (typeof value === "bigint") return value.toString()
  if (typeof value === "function" || typeof value === "symbol") return undefined
  if (typeof value !== "object" || value === null) return value
  if (Redacted.isRedacted(value)) return REMOVED
  if (path.has(value)) return "<circular>"
  if (depth > DEPTH_MAX) return "<deep>"
  const seen = new Set(path).add(value)
  if (value instanceof Error) return redactError(value, depth, seen)
  if (value instanceof Date) return value
  if (ArrayBuffer.isView(value)) return `<${value.byteLength} bytes>`
  if (Array.isArray(value)) return value.slice(0, ITEMS_MAX).map((item) => redactAt(item, depth + 1, seen))
  if (value instanceof Map) return redactEntries(Object.fromEntries(value), depth, seen)
  if (value instanceof Set) return redactAt([...value], depth, seen)
  return redactEntries(value, depth, seen)
}

/** A copy without secrets, cut at eight levels and at two hundred items a level. */
export const redact = (value: unknown): unknown => redactAt(value, 0, new Set())
