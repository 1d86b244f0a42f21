/**
 * A tenant's slug: its name in subjects, streams, accounts, schemas and certificates. The rule is that of a lower-case
 * DNS label that starts with a letter, so that every one of those places takes it as it is.
 */
import { ChannelError, type ChannelErrorReason } from "./ChannelError.ts"
import { ROOTS } from "./roots.ts"

declare const slugBrand: unique symbol

/** A valid slug of a customer, or `default`. Only `parseSlug`, `isTenantSlug` and the parsers make one. */
export type TenantSlug = string & { readonly [slugBrand]: "TenantSlug" }

/** With `tenant_` before it, it still fits the 63 bytes of a PostgreSQL identifier, with room for a suffix. */
export const SLUG_LENGTH_MAX = 48

/** The tenant to which unprefixed subjects belong. No customer can be called so. */
export const DEFAULT_TENANT = "default" as TenantSlug

/** Words no customer may be called: every root, what may become one, and names the platform or its servers use. */
export const RESERVED_SLUGS: ReadonlySet<string> = new Set([
  ...ROOTS,
  "admin",
  "all",
  "bulkhead",
  "default",
  "edge",
  "global",
  "health",
  "hub",
  "internal",
  "null",
  "operator",
  "platform",
  "public",
  "serviceradar",
  "serviceradar-operator",
  "sys",
  "system",
  "traces",
  "undefined"
])

const SLUG = /^[a-z](?:[a-z0-9-]{0,46}[a-z0-9])?$/

const problemOf = (text: string): ChannelError | undefined => {
  const refuse = (reason: ChannelErrorReason, rule: string) => new ChannelError(reason, "slug", text, rule)
  if (text.length === 0) return refuse("empty", "it is empty; use 1 to 48 of a-z, 0-9 and -, starting with a letter")
  if (text.length > SLUG_LENGTH_MAX) {
    return refuse("too_long", `it has ${text.length} characters, the limit is ${SLUG_LENGTH_MAX}; shorten it`)
  }
  const strange = /[^a-z0-9-]/.exec(text)
  if (strange !== null) {
    return refuse("invalid_character", `the character at position ${strange.index} is none of a-z, 0-9 and -`)
  }
  if (!/^[a-z]/.test(text)) return refuse("invalid_start", "it must start with a letter a-z")
  if (text.endsWith("-")) return refuse("invalid_end", "it must end with a letter or a digit")
  return undefined
}

/**
 * The slug of a new tenant, or why it cannot be one. Refuses reserved words, `default` among them.
 *
 * @stability stable
 */
export const parseSlug = (text: unknown): TenantSlug | ChannelError => {
  if (typeof text !== "string") return new ChannelError("not_a_string", "slug", text, "it is not a string")
  const problem = problemOf(text)
  if (problem !== undefined) return problem
  if (RESERVED_SLUGS.has(text)) {
    return new ChannelError("reserved", "slug", text, "the word is reserved by the platform; choose another slug")
  }
  return text as TenantSlug
}

/** Whether the text names a tenant that can exist: a customer's slug, or `default`. */
export const isTenantSlug = (text: unknown): text is TenantSlug =>
  typeof text === "string" && SLUG.test(text) && (text === DEFAULT_TENANT || !RESERVED_SLUGS.has(text))
