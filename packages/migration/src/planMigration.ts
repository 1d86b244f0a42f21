/**
 * Makes a plan of an inspection: a pure function. Whatever speaks against the migration is in `problems`, each with its
 * next step, and nothing is to be changed while there is one.
 */
import { baseOffset, DEFAULT_TENANT, patternsForTenant, ROOTS, streamName, type TenantSlug } from "@bulkhead/channels"
import { DUPLICATE_WINDOW_MS, mayPublish, RIGHTS_SUBJECT } from "@bulkhead/nats"
import type { ConsumerFacts, Inspection, StreamFacts } from "./Inspection.ts"
import { type Claim, claimSubjects } from "./internal/claimSubjects.ts"
import { neededRights } from "./internal/neededRights.ts"
import { patternsOverlap } from "./internal/patterns.ts"
import { serverFeatures } from "./internal/serverFeatures.ts"
import { type Mapping, mappedPatterns } from "./Mapping.ts"
import type { MigrationPlan, PlannedConsumer, PlannedSource, PlannedTarget, Step } from "./MigrationPlan.ts"

export interface PlanOptions {
  /** Names the migration in the journal. */
  readonly id: string
  readonly mapping: Mapping
  /** The tenants there are; unknown when absent, and then not checked. */
  readonly tenants?: ReadonlyArray<TenantSlug>
  /** Default `flags`. */
  readonly publishers?: MigrationPlan["publishers"]
  /** Repeats are dropped within this time, milliseconds. Default 120000, and at least that of the old stream. */
  readonly duplicateWindowMs?: number
  /** Default 10000. */
  readonly quietMs?: number
  /** Default 60000. */
  readonly drainMs?: number
}

export interface PlanResult {
  readonly plan: MigrationPlan
  readonly problems: ReadonlyArray<string>
  /** What an operator should know, and nothing that stands against it. */
  readonly notices: ReadonlyArray<string>
}

const QUIET_MS = 10_000
const DRAIN_MS = 60_000
/** A stream that an operator never gave a window has this one. */
const SERVER_WINDOW_MS = 120_000
/** What the server adds to each copy: where it came from. */
export const ORIGIN_BYTES = 160
/** With less room than this beside the copies, the stream of a busy installation would be full at once. */
const ROOM_FACTOR = 1.25

const numberOf = (value: unknown, fallback: number): number => (typeof value === "number" ? value : fallback)

const isUnprefixed = (subject: string): boolean => baseOffset(subject) === 0

/** Streams whose subjects have no prefix yet: those that hold keys, objects or the platform's own are none of them. */
const isLegacy = ({ subjects, copiesFrom }: StreamFacts): boolean =>
  copiesFrom.length === 0 && subjects.some(isUnprefixed)

const chosenStreams = ({ streams }: Inspection, { streams: named }: Mapping) =>
  named === undefined
    ? { chosen: streams.filter(isLegacy), missing: [] }
    : {
        chosen: streams.filter(({ name }) => named.includes(name)),
        missing: named.filter((name) => streams.every((stream) => stream.name !== name))
      }

/** What of a stream's nature stands against copying it. */
const natureProblems = ({ name, config, copiesFrom }: StreamFacts): ReadonlyArray<string> => {
  const problems: Array<string> = []
  const refuse = (what: string, nextStep: string) => void problems.push(`stream "${name}" ${what}: ${nextStep}`)
  if (config.retention !== "limits") {
    refuse(
      `has retention "${config.retention}", so that a copy would take its messages away from its consumers`,
      'move its readers to a stream of retention "limits" first, or leave the stream out'
    )
  }
  if (copiesFrom.length > 0) refuse(`copies from "${copiesFrom.join('", "')}"`, "move that one instead")
  if (config.sealed === true) refuse("is sealed", "leave the stream out")
  if (config.subject_transform !== undefined) refuse("rewrites subjects as they arrive", "take the transform out first")
  for (const key of ["allow_msg_counter", "allow_msg_schedules"]) {
    if (config[key] === true) refuse(`has ${key}, which copies do not keep`, "leave the stream out")
  }
  return problems
}

const plannedSource = (stream: StreamFacts): PlannedSource => ({
  stream: stream.name,
  createdAt: stream.createdAt,
  subjects: stream.subjects,
  messages: stream.messages,
  bytes: stream.bytes,
  duplicateWindowMs: numberOf(stream.config.duplicate_window, SERVER_WINDOW_MS * 1e6) / 1e6,
  config: stream.config
})

const sum = (numbers: ReadonlyArray<number>): number => numbers.reduce((total, one) => total + one, 0)

/** Limits, copies and placement as the old streams have them, with room for what the copies have beside. */
const targetConfig = (from: ReadonlyArray<StreamFacts>): Record<string, unknown> => {
  const configs = from.map(({ config }) => config)
  const limits = from.map(({ config, messages, bytes }) => {
    const limit = numberOf(config.max_bytes, -1)
    return limit < 0 ? -1 : Math.ceil((Math.max(limit, bytes) + messages * ORIGIN_BYTES) * ROOM_FACTOR)
  })
  const ages = configs.map(({ max_age: age }) => numberOf(age, 0))
  const [first = {}] = configs
  return {
    retention: "limits",
    storage: "file",
    discard: "new",
    max_bytes: limits.some((limit) => limit < 0) ? -1 : sum(limits),
    max_age: ages.some((age) => age === 0) ? 0 : Math.max(...ages),
    num_replicas: Math.max(1, ...configs.map(({ num_replicas: copies }) => numberOf(copies, 1))),
    allow_direct: true,
    ...(first.placement === undefined ? {} : { placement: first.placement }),
    ...(first.compression === undefined ? {} : { compression: first.compression }),
    ...(configs.some(({ allow_msg_ttl: ttl }) => ttl === true) ? { allow_msg_ttl: true } : {})
  }
}

interface Claimed {
  readonly stream: StreamFacts
  readonly claims: ReadonlyArray<Claim>
}

const plannedTarget = (
  tenant: TenantSlug,
  claimed: ReadonlyArray<Claimed>,
  wantedWindowMs: number | undefined
): PlannedTarget => {
  const copies = claimed.flatMap(({ stream, claims }) => {
    const patterns = claims.filter((claim) => claim.tenant === tenant).map(({ pattern }) => pattern)
    return patterns.length === 0 ? [] : [{ stream: stream.name, patterns }]
  })
  const from = claimed.map(({ stream }) => stream).filter(({ name }) => copies.some(({ stream }) => stream === name))
  const windows = from.map((stream) => plannedSource(stream).duplicateWindowMs)
  const config = targetConfig(from)
  const ageMs = numberOf(config.max_age, 0) / 1e6
  const windowMs = wantedWindowMs ?? Math.max(DUPLICATE_WINDOW_MS, ...windows)
  return {
    stream: streamName(tenant),
    tenant,
    copies,
    subjects: ROOTS.flatMap((root) => patternsForTenant(tenant, `${root}.>`, "prefixed")),
    // The server refuses a window longer than the age.
    duplicateWindowMs: ageMs === 0 ? windowMs : Math.min(windowMs, ageMs),
    config
  }
}

const plannedConsumer = (
  stream: StreamFacts,
  consumer: ConsumerFacts,
  fate: PlannedConsumer["fate"],
  targets: ReadonlyArray<PlannedTarget>
): PlannedConsumer => {
  const filters = consumer.filterSubjects
  const successors = targets.flatMap((target) => {
    const copied = target.copies.find((copy) => copy.stream === stream.name)
    const isRead =
      copied !== undefined &&
      (filters.length === 0 || copied.patterns.some((one) => filters.some((filter) => patternsOverlap(one, filter))))
    if (!isRead) return []
    const isAll = filters.length === 0 && target.copies.length === 1
    const read = filters.length === 0 ? stream.subjects : filters
    return [
      {
        stream: target.stream,
        durable: consumer.name,
        filterSubjects: isAll ? [] : read.map((filter) => `${target.tenant}.${filter}`)
      }
    ]
  })
  return {
    stream: stream.name,
    name: consumer.name,
    createdAt: consumer.createdAt,
    filterSubjects: filters,
    fate,
    successors: fate === "move" ? successors : [],
    config: consumer.config
  }
}

/** Copies first, consumers next, and publishers last: what a new stream takes itself must lie behind every place that was kept. */
const stepsOf = (
  sources: ReadonlyArray<PlannedSource>,
  targets: ReadonlyArray<PlannedTarget>,
  consumers: ReadonlyArray<PlannedConsumer>
): ReadonlyArray<Step> => [
  ...sources.map(({ stream }): Step => ({ _tag: "MarkSource", stream })),
  ...targets.map(({ stream }): Step => ({ _tag: "MakeTarget", stream })),
  ...targets.map(({ stream }): Step => ({ _tag: "CopyStored", stream })),
  ...targets.map(({ stream }): Step => ({ _tag: "DropRepeats", stream })),
  ...sources.map(({ stream }): Step => ({ _tag: "VerifyCopies", stream, after: "copying" })),
  ...consumers
    .filter(({ fate }) => fate === "move")
    .map(({ stream, name }): Step => ({ _tag: "MoveConsumer", stream, consumer: name })),
  { _tag: "OpenTargets" },
  { _tag: "SwitchPublishers" },
  ...sources.map(({ stream }): Step => ({ _tag: "AwaitSilence", stream })),
  ...sources.map(({ stream }): Step => ({ _tag: "CloseDoor", stream })),
  ...sources.map(({ stream }): Step => ({ _tag: "VerifyCopies", stream, after: "closing" }))
]

const mappingProblems = (
  mapping: Mapping,
  chosen: ReadonlyArray<StreamFacts>,
  tenants: ReadonlyArray<TenantSlug> | undefined
): ReadonlyArray<string> => {
  const mapped = mappedPatterns(mapping)
  const problems: Array<string> = []
  for (const [at, { tenant, pattern }] of mapped.entries()) {
    if (!isUnprefixed(pattern)) {
      problems.push(
        `pattern "${pattern}" of tenant "${tenant}" is no subject without prefix: it must start with one of ${ROOTS.join(", ")}, and a token after it`
      )
    } else if (!chosen.some(({ subjects }) => subjects.some((subject) => patternsOverlap(subject, pattern)))) {
      problems.push(
        `pattern "${pattern}" of tenant "${tenant}" is taken by none of the streams "${chosen.map(({ name }) => name).join('", "')}": correct it`
      )
    }
    for (const other of mapped.slice(at + 1)) {
      if (patternsOverlap(pattern, other.pattern)) {
        problems.push(
          `patterns "${pattern}" of tenant "${tenant}" and "${other.pattern}" of tenant "${other.tenant}" overlap: a message can have one tenant only`
        )
      }
    }
  }
  if (tenants === undefined) return problems
  const missing = Object.keys(mapping.tenants ?? {}).filter(
    (tenant) => tenant !== DEFAULT_TENANT && !tenants.some((known) => known === tenant)
  )
  return [
    ...problems,
    ...missing.map((tenant) => `tenant "${tenant}" of the mapping does not exist: create it first, or correct its slug`)
  ]
}

const consumerProblems = (chosen: ReadonlyArray<StreamFacts>, mapping: Mapping, canReset: boolean) => {
  const fates = mapping.consumers ?? {}
  const problems: Array<string> = []
  const known = new Set<string>()
  for (const stream of chosen) {
    for (const { name, isDurable, readers, config } of stream.consumers) {
      const key = `${stream.name}/${name}`
      known.add(key)
      if (fates[key] === "leave" || (!isDurable && mapping.ephemeral === "leave")) continue
      if (!isDurable) {
        problems.push(
          `consumer "${key}" has no lasting name, so its place cannot be kept: say "ephemeral": "leave" in the mapping, and let its reader open the new stream`
        )
      } else if (fates[key] === undefined) {
        problems.push(
          `consumer "${key}" (${readers} readers) is not in the mapping: say "consumers": {"${key}": "move"}, or "leave" for one that ends with the old stream`
        )
      } else if (config.deliver_policy !== "all" && config.deliver_policy !== "by_start_time" && canReset) {
        problems.push(
          `consumer "${key}" has deliver policy "${config.deliver_policy}", which cannot be given a place: make it anew with "all" at its place, or leave it`
        )
      }
    }
  }
  const unknown = Object.keys(fates).filter((key) => !known.has(key))
  return [
    ...problems,
    ...unknown.map((key) => `consumer "${key}" of the mapping is on none of the streams to be moved: correct it`)
  ]
}

const surroundingProblems = (
  { streams }: Inspection,
  chosen: ReadonlyArray<StreamFacts>,
  targets: ReadonlyArray<PlannedTarget>,
  mapping: Mapping
): ReadonlyArray<string> => {
  const names = new Set(chosen.map(({ name }) => name))
  const problems: Array<string> = []
  for (const stream of streams) {
    const from = stream.copiesFrom.find((name) => names.has(name))
    if (from !== undefined && mapping.dependents?.[stream.name] !== "leave") {
      problems.push(
        `stream "${stream.name}" copies from "${from}" and will get nothing from publishers with a prefix: let it copy from the new streams afterwards, and say "dependents": {"${stream.name}": "leave"}`
      )
    }
    const target = targets.find((one) => one.stream === stream.name)
    if (target !== undefined) {
      problems.push(
        names.has(stream.name)
          ? `stream "${stream.name}" is the stream of tenant "${target.tenant}" already: its messages need no copy, leave it out`
          : `stream "${stream.name}" is there already, with ${stream.messages} messages: delete it when nobody needs it, or leave tenant "${target.tenant}" out`
      )
      continue
    }
    const overlapping = targets.find((one) =>
      one.subjects.some((wanted) => stream.subjects.some((subject) => patternsOverlap(wanted, subject)))
    )
    if (overlapping !== undefined) {
      problems.push(
        `stream "${stream.name}" takes subjects of tenant "${overlapping.tenant}", which "${overlapping.stream}" is to take: take them out of it`
      )
    }
  }
  return problems
}

const roomProblems = (
  { account }: Inspection,
  sources: ReadonlyArray<PlannedSource>,
  targets: ReadonlyArray<PlannedTarget>
): ReadonlyArray<string> => {
  const needed = diskNeeded(sources)
  const problems: Array<string> = []
  const { storedBytes, storedBytesMax, streams, streamsMax } = account
  if (storedBytesMax >= 0 && storedBytes + needed > storedBytesMax) {
    problems.push(
      `the copies need ${needed} bytes and the account has ${storedBytesMax - storedBytes} of ${storedBytesMax} left: raise its limit, or shorten what the old streams keep`
    )
  }
  if (streamsMax >= 0 && streams + targets.length + 1 > streamsMax) {
    problems.push(
      `${targets.length + 1} streams are to be made and the account has ${streams} of at most ${streamsMax}: raise its limit`
    )
  }
  return problems
}

const rightsProblems = ({ rights }: Inspection, plan: MigrationPlan): ReadonlyArray<string> => {
  if (rights === undefined) return []
  const missing = neededRights(plan).filter((subject) => !mayPublish(rights, subject))
  if (missing.length === 0) return []
  return [`the user may not publish on "${missing.join('", "')}": give it these rights, or use a user that has them`]
}

/** Bytes that the copies take beside the originals, until these are removed. */
export const diskNeeded = (sources: ReadonlyArray<PlannedSource>): number =>
  sum(sources.map(({ bytes, messages }) => bytes + messages * ORIGIN_BYTES))

const noticesFor = (inspection: Inspection, consumers: ReadonlyArray<PlannedConsumer>): ReadonlyArray<string> => {
  const features = serverFeatures(inspection.serverVersion)
  const notices: Array<string> = []
  if (inspection.rights === undefined) {
    notices.push(
      `the server does not tell this user what it may do: give it "${RIGHTS_SUBJECT}", and a missing right is named before anything is changed`
    )
  }
  if (!features.pause) {
    notices.push(
      `nats-server ${inspection.serverVersion} cannot pause consumers (2.11 can): stop each reader before its consumer is moved`
    )
  }
  if (!features.reset) {
    notices.push(
      `nats-server ${inspection.serverVersion} cannot set a consumer to a place (2.14 can): successors get deliver policy "by_start_sequence", so a reader that asks for "all" at its start is refused; let it bind to the consumer that is there`
    )
  }
  for (const { stream, name, successors } of consumers) {
    if (successors.length > 1) {
      notices.push(
        `consumer "${stream}/${name}" is followed by one on each of ${successors.map((one) => `"${one.stream}"`).join(", ")}: run a reader for each`
      )
    }
  }
  return notices
}

/** The plan, and what speaks against it. */
export const planMigration = (inspection: Inspection, options: PlanOptions): PlanResult => {
  const { mapping } = options
  const features = serverFeatures(inspection.serverVersion)
  const { chosen, missing } = chosenStreams(inspection, mapping)
  const mapped = mappedPatterns(mapping)
  const claimed = chosen.map((stream) => ({ stream, ...claimSubjects(stream, mapped) }))
  const tenants = [...new Set(claimed.flatMap(({ claims }) => claims.map(({ tenant }) => tenant)))].sort()
  const targets = tenants.map((tenant) => plannedTarget(tenant, claimed, options.duplicateWindowMs))
  const sources = chosen.map(plannedSource)
  const consumers = chosen.flatMap((stream) =>
    stream.consumers
      .filter(({ isDurable }) => isDurable)
      .map((consumer) => {
        const fate = mapping.consumers?.[`${stream.name}/${consumer.name}`] ?? "leave"
        return plannedConsumer(stream, consumer, fate, targets)
      })
  )
  const plan: MigrationPlan = {
    id: options.id,
    serverVersion: inspection.serverVersion,
    sources,
    targets,
    consumers,
    steps: stepsOf(sources, targets, consumers),
    publishers: options.publishers ?? "flags",
    quietMs: options.quietMs ?? QUIET_MS,
    drainMs: options.drainMs ?? DRAIN_MS
  }
  const problems = [
    ...(features.transforms
      ? []
      : [`nats-server ${inspection.serverVersion} cannot change subjects while it copies: 2.10 or newer is needed`]),
    ...missing.map((name) => `stream "${name}" of the mapping does not exist: correct its name`),
    ...(chosen.length === 0 && missing.length === 0
      ? ["no stream takes a subject without prefix: there is nothing to migrate"]
      : []),
    ...chosen.flatMap(natureProblems),
    ...claimed.flatMap((one) => one.problems),
    ...mappingProblems(mapping, chosen, options.tenants),
    ...consumerProblems(chosen, mapping, features.reset),
    ...surroundingProblems(inspection, chosen, targets, mapping),
    ...roomProblems(inspection, sources, targets),
    ...rightsProblems(inspection, plan)
  ]
  return { plan, problems, notices: noticesFor(inspection, consumers) }
}
