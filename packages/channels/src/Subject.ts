/**
 * Base subjects and tenant subjects. A base subject, `logs.syslog`, starts with a root; a tenant subject,
 * `acme.logs.syslog`, is a slug and a base subject. Every subject has exactly one reading or none.
 */
import { baseOffset, NO_BASE } from "./baseOffset.ts"
import { ChannelError, type ChannelErrorReason } from "./ChannelError.ts"
import { hasEmptyToken } from "./hasEmptyToken.ts"
import { isRoot, ROOTS } from "./roots.ts"
import { DEFAULT_TENANT, isTenantSlug, parseSlug, RESERVED_SLUGS, SLUG_LENGTH_MAX, type TenantSlug } from "./Slug.ts"

/** A whole tenant subject. NATS takes some 4,000 bytes; names of files, labels of metrics and people take this much. */
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

const refuse = (reason: ChannelErrorReason, subject: string, rule: string) =>
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
  if (hasEmptyToken(subject)) {
    return refuse("empty_token", subject, "each part between two dots must have a character")
  }
  return undefined
}

/** Why `baseOffset` found no base in a subject of good characters. */
const noBaseError = (subject: string): ChannelError => {
  const [first = "", second = ""] = subject.split(".")
  const bareRoot = (root: string) => refuse("bare_root", subject, `at least one token must follow the root "${root}"`)
  const roots = `a root, one of ${ROOTS.join(", ")}`
  if (isRoot(first)) return bareRoot(first)
  if (isTenantSlug(first)) {
    return isRoot(second)
      ? bareRoot(second)
      : refuse("missing_root", subject, `after the tenant "${first}" there must be ${roots}`)
  }
  return RESERVED_SLUGS.has(first)
    ? refuse("reserved", subject, `"${first}" is reserved and names no tenant`)
    : refuse("unknown_root", subject, `its first token must be a tenant's slug or ${roots}`)
}

/**
 * The subject under which a tenant's message travels. Both parts are checked, the slug too: a cast must not let a
 * wildcard or a second token through.
 *
 * @stability stable
 */
export const prefixSubject = (tenant: TenantSlug, base: string): string | ChannelError => {
  if (!isTenantSlug(tenant)) return parseSlug(tenant)
  const problem = textProblem(base, BASE_LENGTH_MAX)
  if (problem !== undefined) return problem
  const offset = baseOffset(base)
  if (offset === NO_BASE) return noBaseError(base)
  if (offset === UNPREFIXED) return `${tenant}.${base}`
  return refuse("unknown_root", base, `it has a tenant already; give the base subject, "${base.slice(offset)}"`)
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
  return { tenant: subject.slice(0, offset - 1) as TenantSlug, base: subject.slice(offset), prefixed: true }
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
