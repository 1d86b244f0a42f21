/**
 * Takes secrets out of whatever is about to be logged: values under telling names, credentials in URLs, and what Effect
 * keeps in `Redacted`, at any depth, in errors and their causes too. The last line of defence, not the first: secrets are
 * `Redacted` from the moment they are read.
 */
import { Redacted } from "effect"

const REMOVED = "<redacted>"

/** What the names of secrets contain: `password`, `apiToken`, `NATS_SEED`, `authorization`, `credsFile` and the like. */
const SECRET_WORDS =
  "passw(?:or)?d|passphrase|pwd|secret|token|seed|credential|creds|authorization|cookie|private.?key|api.?key|nkey|jwt"
const SECRET_NAME = new RegExp(`${SECRET_WORDS}|pass$`, "i")

// Each repetition that could start at many places of a text has an upper bound: hostile text must not stall the process.

/**
 * `scheme://user:password@host`, of which the part before the last @ goes. The second form is for passwords with an
 * unescaped slash; digits after the colon are a port.
 */
const URL_CREDENTIALS =
  /\b([a-z][a-z0-9+.-]{0,30}:\/\/)(?:[^\s/?#"'<>]{0,1024}|[^\s/?#@:"'<>]{0,256}:(?!\d{1,5}\b)[^\s"'<>]{0,256})@/gi
/** Whole secrets that are known by their form: nkey seeds and JWTs. */
const KNOWN_SECRETS = /\bS[ACNOUX][A-Z2-7]{54,56}\b|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g
/** A header with several values, all of which go. */
const COOKIES = /(\bcookie\s{0,8}:\s{0,8})(?![\s"'])[^\r\n"]+/gi
/** `password=…`, `NATS_TOKEN: …`, `\"seed\":\"…\"` inside text; not `CORE_API_TOKEN_FILE=…`, which is a path to look at. */
const ASSIGNED = new RegExp(
  String.raw`((?:${SECRET_WORDS}|\bpass\b)[\w-]{0,40}(?<!_file)\\*["']?\s{0,8}[=:]\s{0,8})` +
    String.raw`(?:(?:bearer|basic|digest)\s+)?(?:\\*"[^"]*"|'[^']*'|["']?[^\s,;}"']+)`,
  "gi"
)

const DEPTH_MAX = 8
const ITEMS_MAX = 200

/** The text without the secrets in it. */
export const redactText = (text: string): string =>
  text
    .replace(URL_CREDENTIALS, `$1${REMOVED}@`)
    .replace(KNOWN_SECRETS, REMOVED)
    .replace(COOKIES, `$1${REMOVED}`)
    .replace(ASSIGNED, `$1${REMOVED}`)

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
      .map(([name, item]) => [redactText(name), SECRET_NAME.test(name) ? REMOVED : redactAt(item, depth + 1, seen)])
  )

const redactObject = (value: object, depth: number, seen: ReadonlySet<object>): unknown => {
  if (value instanceof Error) return redactError(value, depth, seen)
  if (value instanceof Date) return value
  if (value instanceof URL) return redactText(value.href)
  if (ArrayBuffer.isView(value)) return `<${value.byteLength} bytes>`
  if (Array.isArray(value)) return value.slice(0, ITEMS_MAX).map((item) => redactAt(item, depth + 1, seen))
  if (value instanceof Map) return redactEntries(Object.fromEntries(value), depth, seen)
  if (value instanceof Set) return redactAt([...value], depth, seen)
  return redactEntries(value, depth, seen)
}

const redactAt = (value: unknown, depth: number, path: ReadonlySet<object>): unknown => {
  if (typeof value === "string") return redactText(value)
  if (typeof value === "bigint") return value.toString()
  if (typeof value === "function" || typeof value === "symbol") return undefined
  if (typeof value !== "object" || value === null) return value
  if (Redacted.isRedacted(value)) return REMOVED
  if (path.has(value)) return "<circular>"
  if (depth > DEPTH_MAX) return "<deep>"
  try {
    return redactObject(value, depth, new Set(path).add(value))
  } catch {
    // A getter or a proxy that throws: a log line must not end the work it tells of.
    return "<unreadable>"
  }
}

/** A copy without secrets, cut at eight levels and at two hundred items a level. */
export const redact = (value: unknown): unknown => redactAt(value, 0, new Set())
