/**
 * What a nats-server of some version can do of what we ask for.
 */
import { patternsOverlap } from "@bulkhead/channels"
import type { StreamProblem } from "./StreamChange.ts"
import type { PlannedStream } from "./StreamPlan.ts"

/** Several filters of one consumer, and metadata, came with it. */
export const SERVER_VERSION_MIN = "2.10.0"
/** What older ones let pass that they should not was fixed here. */
const SERVER_VERSION_SAFE = "2.14.3"

type Version = readonly [major: number, minor: number, patch: number]

/** Undefined for what is no version. */
const parse = (version: string): Version | undefined => {
  const found = /^v?(\d+)\.(\d+)\.(\d+)/.exec(version)
  return found === null ? undefined : [Number(found[1]), Number(found[2]), Number(found[3])]
}

const isSince = (version: Version, [major, minor, patch]: Version): boolean =>
  version[0] - major !== 0 ? version[0] > major : version[1] - minor !== 0 ? version[1] > minor : version[2] >= patch

const isOlder = (version: string, than: string): boolean => {
  const observed = parse(version)
  const limit = parse(than)
  return observed !== undefined && limit !== undefined && !isSince(observed, limit)
}

/** A pattern whose first token is a wildcard takes the server's own subjects too. */
export const isReservedPattern = (pattern: string): boolean => patternsOverlap(pattern, "$JS.>")

/**
 * Whether a stream may have a subject such as `*.events.>`. Servers before these releases took it; they, and all later
 * ones, refuse it and do not load a stream that has it. Undefined for what is no version: then only trying tells.
 */
export const takesWildcards = (version: string): boolean | undefined => {
  const observed = parse(version)
  if (observed === undefined) return undefined
  if (observed[0] === 2 && observed[1] === 10) return observed[2] < 28
  return !isSince(observed, [2, 11, WILDCARDS_REFUSED_SINCE_2_11])
}

const WILDCARDS_REFUSED_SINCE_2_11 = 2

/**
 * Whether one consumer may have filters of which some subjects reach two, as `*.events.>` and `events.>` do. Undefined
 * where only trying tells: it came in the course of 2.12.
 */
export const takesOverlappingFilters = (version: string): boolean | undefined => {
  const observed = parse(version)
  if (observed === undefined) return undefined
  if (isSince(observed, [2, 14, 0])) return true
  return isSince(observed, [2, 12, 1]) ? undefined : false
}

/** What of a planned stream this server can be asked for: older ones forget that a stream takes atomic batches. */
export const askable = (planned: PlannedStream, version: string): PlannedStream => {
  if (!isOlder(version, ATOMIC_SINCE)) return planned
  const { allowAtomic: _, ...rest } = planned
  return rest
}

const ATOMIC_SINCE = "2.12.0"

/** A stream takes so many consumers, where neither it nor the account says else. */
export const CONSUMERS_BY_DEFAULT = 1_000

export const limitsConsumers = (version: string): boolean => !isOlder(version, "2.15.0")

/** What is wrong with the server's version, if anything. */
export const serverProblems = (version: string): ReadonlyArray<StreamProblem> => {
  if (isOlder(version, SERVER_VERSION_MIN)) {
    return [
      {
        kind: "server-too-old",
        blocks: true,
        problem: `nats-server ${version} has no consumers with several filters`,
        nextStep: `upgrade it to ${SERVER_VERSION_MIN} or newer, best to ${SERVER_VERSION_SAFE} or newer`
      }
    ]
  }
  if (!isOlder(version, SERVER_VERSION_SAFE)) return []
  return [
    {
      kind: "server-limited",
      blocks: false,
      problem: `nats-server ${version} works, but lets a leaf node publish what its user may not`,
      nextStep: `upgrade it to ${SERVER_VERSION_SAFE} or newer before tenants connect leaf nodes`
    }
  ]
}
