/**
 * Base subjects and tenant subjects. A base subject, `logs.syslog`, starts with a root; a tenant subject,
 * `acme.logs.syslog`, is a slug and a base subject. Every subject has exactly one reading or none.
 */
import { baseOffset, NO_BASE } from "./baseOffset.ts"
import { ChannelError } from "./ChannelError.ts"
import { ROOTS } from "./roots.ts"
import { DEFAULT_TENANT, isTenantSlug, RESERVED_SLUGS, SLUG_LENGTH_MAX, type TenantSlug } from "./Slug.ts"

/** A whole tenant subject. NATS takes more; file names, metrics labels and people do not. */
export const SUBJECT_LENGTH_MAX = 255

/** What is left of it for the base subject when the slug is as long as it may be. */
export const BASE_LENGTH_MAX = SUBJECT_LENGTH_MAX - SLUG_LENGTH_MAX - 1

/** A subject, taken apart. */
export interface ParsedSubject {
  readonly tenant: TenantSlug
  readonly base: string
  /** False for an unprefixed subject, which belongs to `default`. */
  readonly prefixed: boolean
}

const UNPREFIXED = 0

const refuse = (reason: ConstructorParameters<typeof ChannelError>[0], subject: unknown, rule: string) =>
  new ChannelError(reason, "subject", subject, rule)

/** What is wrong with the characters and tokens of a concrete subject. */
const textProblem = (subject: string, lengthMax: number): ChannelError | undefined => {
  if (subject.length === 0) return refuse("empty", subject, "it is empty")
  if (subject.length > lengthMax) {
    return refuse("too_long", subject, `it has ${subject.length} characters, the limit is ${lengthMax}`)
  }
  const strange = /[^!-~]/.exec(subject)
  if (strange !== null) {
    return refuse("invalid_character", subject, `the character at position ${strange.index} is not printable ASCII`)
  }
  if (/[*>]/.test(subject)) return refuse("wildcard", subject, "a message has a concrete subject, without * and >")
  if (subject.startsWith(".") || subject.endsWith(".") || subject.includes("..")) {
    return refuse("empty_token", subject, "each part between two dots must have a character")
  }
  return undefined
}

const rootRule = `it must start with one of ${ROOTS.join(", ")}, and have a token after it`

/**
 * The subject under which a tenant's message travels. The base subject is checked; the slug was checked when it was made.
 *
 * @stability stable
 */
export const prefixSubject = (tenant: TenantSlug, base: string): string | ChannelError => {
  const problem = textProblem(base, BASE_LENGTH_MAX)
  if (problem !== undefined) return problem
  if (baseOffset(base) !== UNPREFIXED) return refuse("unknown_root", base, rootRule)
  return `${tenant}.${base}`
}

/**
 * Takes a subject apart. Total: every text gives a tenant and a base subject, or an error. An unprefixed subject belongs
 * to `default`, and so does one that is prefixed with `default`.
 *
 * @stability stable
 */
export const parseSubject = (subject: string): ParsedSubject | ChannelError => {
  const problem = textProblem(subject, SUBJECT_LENGTH_MAX)
  if (problem !== undefined) return problem
  const offset = baseOffset(subject)
  if (offset === UNPREFIXED) return { tenant: DEFAULT_TENANT, base: subject, prefixed: false }
  if (offset === NO_BASE) return noBaseError(subject)
  const tenant = subject.slice(0, offset - 1)
  if (tenant !== DEFAULT_TENANT && RESERVED_SLUGS.has(tenant)) {
    return refuse("reserved", subject, `"${tenant}" is reserved and names no tenant`)
  }
  return { tenant: tenant as TenantSlug, base: subject.slice(offset), prefixed: true }
}

const noBaseError = (subject: string): ChannelError => {
  const [first = "", ...rest] = subject.split(".")
  return isTenantSlug(first) && rest.length > 0
    ? refuse("missing_root", subject, `after the tenant "${first}" ${rootRule}`)
    : refuse("unknown_root", subject, `its first token is neither a tenant's slug nor a root; ${rootRule}`)
}

/**
 * The base subject of a subject, prefixed or not.
 *
 * @stability stable
 */
export const stripTenant = (subject: string): string | ChannelError => {
  const parsed = parseSubject(subject)
  return parsed instanceof ChannelError ? parsed : parsed.base
}
