/**
 * Says which tenant each subject of a stream belongs to, as patterns that do not overlap: the server copies by pattern,
 * and cannot copy everything but some. Where a tenant gets a part of what a stream takes, the rest is therefore named too,
 * from the subjects that are there.
 */
import { baseOffset, DEFAULT_TENANT, type TenantSlug } from "@bulkhead/channels"
import type { StreamFacts } from "../Inspection.ts"
import type { MappedPattern } from "../Mapping.ts"
import { literalDepth, patternCovers, patternsOverlap } from "./patterns.ts"

/** Subjects of a stream that belong to a tenant. */
export interface Claim {
  readonly tenant: TenantSlug
  readonly pattern: string
}

export interface Claims {
  readonly claims: ReadonlyArray<Claim>
  readonly problems: ReadonlyArray<string>
}

const isUnprefixed = (pattern: string): boolean => baseOffset(pattern) === 0

/** A pattern for what is left, as wide as it may be without taking a tenant's part. */
const restPattern = (subject: string, depth: number, taken: ReadonlyArray<string>): string => {
  const tokens = subject.split(".")
  if (tokens.length <= depth) return subject
  const wide = `${tokens.slice(0, depth).join(".")}.>`
  return taken.some((pattern) => patternsOverlap(pattern, wide)) ? subject : wide
}

const claimWithin = (subject: string, mapped: ReadonlyArray<MappedPattern>, stored: ReadonlyArray<string>): Claims => {
  const inside = mapped.filter(({ pattern }) => patternsOverlap(pattern, subject))
  const whole = inside.find(({ pattern }) => patternCovers(pattern, subject))
  if (inside.length === 0) return { claims: [{ tenant: DEFAULT_TENANT, pattern: subject }], problems: [] }
  if (whole !== undefined) return { claims: [{ tenant: whole.tenant, pattern: subject }], problems: [] }
  const problems = inside
    .filter(({ pattern }) => !patternCovers(subject, pattern))
    .map(
      ({ tenant, pattern }) =>
        `pattern "${pattern}" of tenant "${tenant}" takes a part of "${subject}" and something else: give patterns that lie within it`
    )
  const taken = inside.map(({ pattern }) => pattern)
  const depth = Math.max(...taken.map(literalDepth))
  const left = stored.filter(
    (one) => patternCovers(subject, one) && !taken.some((pattern) => patternCovers(pattern, one))
  )
  const rest = [...new Set(left.map((one) => restPattern(one, depth, taken)))]
  return {
    claims: [...inside, ...rest.map((pattern) => ({ tenant: DEFAULT_TENANT, pattern }))],
    problems
  }
}

export const claimSubjects = (stream: StreamFacts, mapped: ReadonlyArray<MappedPattern>): Claims => {
  const stored = Object.keys(stream.stored)
  const problems: Array<string> = []
  const claims: Array<Claim> = []
  for (const subject of stream.subjects) {
    if (!isUnprefixed(subject)) {
      problems.push(
        `stream "${stream.name}" takes "${subject}", which no tenant's prefix can stand before: take it out of the stream, or leave the stream out`
      )
      continue
    }
    const within = claimWithin(subject, mapped, stored)
    claims.push(...within.claims)
    problems.push(...within.problems)
  }
  for (const subject of stored) {
    if (claims.some(({ pattern }) => patternCovers(pattern, subject))) continue
    if (isUnprefixed(subject)) claims.push({ tenant: DEFAULT_TENANT, pattern: subject })
    else {
      problems.push(
        `stream "${stream.name}" holds ${stream.stored[subject]} messages under "${subject}", which nobody claims: purge them, or leave the stream out`
      )
    }
  }
  return { claims, problems }
}
