/**
 * Subscription patterns: for one tenant, for all of them, and by prefix mode; and matching as nats-server does it.
 */
import { baseOffset } from "./baseOffset.ts"
import { ChannelError } from "./ChannelError.ts"
import { DEFAULT_TENANT, type TenantSlug } from "./Slug.ts"

/**
 * How a publisher or consumer treats the tenant prefix: always, never, or, while an installation migrates, both ways.
 */
export type PrefixMode = "prefixed" | "legacy" | "both"

/** A pattern comes from a program, not from outside: a malformed one is a mistake to be found at once. */
const assertPattern = (pattern: string): void => {
  const wellFormed =
    /^[!-~]+$/.test(pattern) &&
    pattern
      .split(".")
      .every(
        (token, index, tokens) =>
          token.length > 0 && (token === "*" || (token === ">" && index === tokens.length - 1) || !/[*>]/.test(token))
      )
  if (wellFormed && baseOffset(pattern) === 0) return
  throw new ChannelError("unknown_root", "pattern", pattern, "a base pattern starts with a root, and > stands last")
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
 * The patterns on which the messages of all tenants arrive, for a consumer that serves them all.
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
 * more.
 *
 * @stability stable
 */
export const subjectMatches = (pattern: string, subject: string): boolean => {
  let at = 0
  let patternAt = 0
  while (patternAt <= pattern.length) {
    if (at > subject.length) return false
    const patternEnd = tokenEnd(pattern, patternAt)
    const end = tokenEnd(subject, at)
    const token = pattern.slice(patternAt, patternEnd)
    if (token === ">" && patternEnd === pattern.length) return end > at
    if (token === "*" ? end === at : token !== subject.slice(at, end)) return false
    patternAt = patternEnd + 1
    at = end + 1
  }
  return at > subject.length
}
