/**
 * Subscription patterns: for one tenant, for all of them, and by prefix mode; and matching as nats-server does it.
 */
import { baseOffset } from "./baseOffset.ts"
import { ChannelError, type ChannelErrorReason } from "./ChannelError.ts"
import { hasEmptyToken } from "./hasEmptyToken.ts"
import { DEFAULT_TENANT, type TenantSlug } from "./Slug.ts"

/**
 * How a publisher or consumer treats the tenant prefix: always, never, or, while an installation migrates, both ways.
 */
export type PrefixMode = "prefixed" | "legacy" | "both"

/** A `*` that is not a token, or a `>` that is not the last one. */
const MISPLACED_WILDCARD = /[^.]\*|\*[^.]|[^.]>|>./

/** A pattern comes from a program, not from outside: a malformed one is a mistake to be found at once. */
const assertPattern = (pattern: string): void => {
  const refuse = (reason: ChannelErrorReason, rule: string): never => {
    throw new ChannelError(reason, "pattern", pattern, rule)
  }
  if (/[^!-~]/.test(pattern)) refuse("invalid_character", "a pattern is printable ASCII")
  if (hasEmptyToken(pattern)) refuse("empty_token", "each part between two dots must have a character")
  if (MISPLACED_WILDCARD.test(pattern)) refuse("wildcard", "* is a whole token, and > the whole last token")
  if (baseOffset(pattern) !== 0) refuse("unknown_root", "a base pattern starts with a root and a token after it")
}

/**
 * The patterns on which a tenant's messages of `basePattern` arrive. Empty for a customer in mode `legacy`: unprefixed
 * messages belong to `default` alone.
 *
 * **Fails**: throws `ChannelError` for a malformed pattern.
 *
 * @stability stable
 */
export const patternsForTenant = (tenant: TenantSlug, basePattern: string, mode: PrefixMode): ReadonlyArray<string> => {
  assertPattern(basePattern)
  return [
    ...(mode === "legacy" ? [] : [`${tenant}.${basePattern}`]),
    ...(mode === "prefixed" || tenant !== DEFAULT_TENANT ? [] : [basePattern])
  ]
}

/**
 * The patterns on which the messages of all tenants arrive, for a consumer that serves them all. `*` stands for any
 * token, a root too: `*.events.>` takes `logs.events.x`, which is unprefixed. So whose message it is says `parseSubject`
 * or `baseOffset`, never the first token.
 *
 * **Fails**: throws `ChannelError` for a malformed pattern.
 *
 * @stability stable
 */
export const patternsForAllTenants = (basePattern: string, mode: PrefixMode): ReadonlyArray<string> => {
  assertPattern(basePattern)
  return [...(mode === "legacy" ? [] : [`*.${basePattern}`]), ...(mode === "prefixed" ? [] : [basePattern])]
}

/** The index after the token that starts at `start`. */
const tokenEnd = (subject: string, start: number): number => {
  const dot = subject.indexOf(".", start)
  return dot === -1 ? subject.length : dot
}

/**
 * Whether a message on `subject` reaches a subscription on `pattern`: `*` stands for one token, a last `>` for one or
 * more. In the subject both are characters like any other. A subject with an empty token reaches nobody.
 *
 * @stability stable
 */
export const subjectMatches = (pattern: string, subject: string): boolean => {
  if (hasEmptyToken(subject)) return false
  let at = 0
  let patternAt = 0
  while (patternAt <= pattern.length && at <= subject.length) {
    const patternEnd = tokenEnd(pattern, patternAt)
    const end = tokenEnd(subject, at)
    const token = pattern.slice(patternAt, patternEnd)
    if (token === ">" && patternEnd === pattern.length) return true
    if (token !== "*" && token !== subject.slice(at, end)) return false
    patternAt = patternEnd + 1
    at = end + 1
  }
  return patternAt > pattern.length && at > subject.length
}

/**
 * Whether some subject reaches both patterns.
 *
 * @stability stable
 */
export const patternsOverlap = (one: string, other: string): boolean => {
  const tokens = one.split(".")
  const others = other.split(".")
  for (let at = 0; at < tokens.length && at < others.length; at += 1) {
    const token = tokens[at]
    const against = others[at]
    if (token === ">" || against === ">") return true
    if (token !== "*" && against !== "*" && token !== against) return false
  }
  return tokens.length === others.length
}

/**
 * Whether every subject that reaches `narrow` reaches `wide` as well.
 *
 * @stability stable
 */
export const patternCovers = (wide: string, narrow: string): boolean => {
  const tokens = wide.split(".")
  const others = narrow.split(".")
  for (const [at, token] of tokens.entries()) {
    const against = others[at]
    if (against === undefined) return false
    if (token === ">") return true
    if (against === ">" || (token !== "*" && token !== against)) return false
  }
  return tokens.length === others.length
}
