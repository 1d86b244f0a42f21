/**
 * What it costs to find the tenant in a subject, against one `indexOf` that finds the same place where the root is known
 * beforehand: `subject.indexOf("logs.")` for a subject of logs. Parsing knows neither tenant nor root, and checks both.
 *
 * A subject without a base is searched for the root that it should have had. The line also gives the cost against
 * `indexOf(".")`, which finds less: the end of the first token, be it a tenant or not.
 */
import { baseOffset, NO_BASE } from "@bulkhead/channels"
import { interleave, type Round } from "./interleave.ts"
import type { Benchmark } from "./run.ts"

const SUBJECTS = 4_096
/** A round takes half a millisecond: see `interleave`. */
const PASSES = 4
const ROUNDS = 500
const RATIO_MAX = 2

interface Sample {
  readonly subject: string
  /** What the limit looks for. */
  readonly root: string
  readonly offset: number
}

const bases = [
  "events.poller.health",
  "events.ocsf.processed",
  "logs.syslog.processed",
  "otel.metrics.raw",
  "flows.raw.netflow"
]

/** Names as customers have them, of 4 to 13 characters. */
const slugs = ["acme", "globex", "initech", "hooli", "umbrella", "vandelay", "wonka", "stark-group", "blue-sun-corp"]

/** One in twenty subjects is none: an unknown root, a reserved or malformed tenant, a subject of the server's own. */
const invalid = ["acme.nonsense.x", "platform.logs.syslog", "Acme_Corp.logs.syslog", "$JS.API.INFO", "_INBOX.a1b2.c3"]

const pick = <A>(from: ReadonlyArray<A>, index: number): A => from[index % from.length] as A

const sampleAt = (index: number): Omit<Sample, "root"> => {
  const base = pick(bases, index)
  const tenant = pick(slugs, Math.floor(index / bases.length))
  if (index % 20 === 7) return { subject: pick(invalid, Math.floor(index / 20)), offset: NO_BASE }
  if (index % 10 === 0) return { subject: base, offset: 0 }
  return { subject: `${tenant}.${base}`, offset: tenant.length + 1 }
}

const roots = new Map(bases.map((base) => [base, base.slice(0, base.indexOf(".") + 1)]))

/** As they come from the network: each subject a flat string decoded from bytes of its own. */
const samplesFromTheNetwork = (): ReadonlyArray<Sample> =>
  Array.from({ length: SUBJECTS }, (_, index) => {
    const { subject, offset } = sampleAt(index)
    return {
      subject: Buffer.from(subject, "latin1").toString("latin1"),
      root: roots.get(pick(bases, index)) ?? "",
      offset
    }
  })

type Pass = (samples: ReadonlyArray<Sample>) => number

/**
 * Each kind of work has a loop of its own. One loop that is handed the work would call what it could inline, and that
 * call, being as dear on both sides, would bring the ratio nearer to 1 than it is.
 */
const parse: Pass = (samples) => {
  let sum = 0
  for (const { subject } of samples) sum += baseOffset(subject)
  return sum
}
const findRoot: Pass = (samples) => {
  let sum = 0
  for (const { subject, root } of samples) sum += subject.indexOf(root)
  return sum
}
const findDot: Pass = (samples) => {
  let sum = 0
  for (const { subject } of samples) sum += subject.indexOf(".")
  return sum
}

/** A round checks what it has found, so that no work can be optimised away. */
const round = (samples: ReadonlyArray<Sample>, pass: Pass): Round => {
  const expected = pass(samples) * PASSES
  return () => {
    const began = performance.now()
    let sum = 0
    for (let index = 0; index < PASSES; index += 1) sum += pass(samples)
    const took = performance.now() - began
    if (sum !== expected) throw new Error(`The offsets add up to ${sum}, not to ${expected}`)
    return took
  }
}

export const benchmark: Benchmark = async () => {
  const samples = samplesFromTheNetwork()
  for (const { subject, offset } of samples) {
    if (baseOffset(subject) !== offset) throw new Error(`"${subject}" is parsed wrongly: ${baseOffset(subject)}`)
  }
  const root = interleave(round(samples, parse), round(samples, findRoot), ROUNDS)
  const dot = interleave(round(samples, parse), round(samples, findDot), ROUNDS)
  const nanoseconds = (ms: number) => `${((ms * 1e6) / (SUBJECTS * PASSES)).toFixed(1)} ns`
  const ratio = root.work / root.limit
  return {
    ratio,
    isGood: ratio <= RATIO_MAX,
    text:
      `(limit ${RATIO_MAX}): a subject parsed in ${nanoseconds(root.work)}, its root found by indexOf in ` +
      `${nanoseconds(root.limit)}; against indexOf(".") of ${nanoseconds(dot.limit)} it is ${(dot.work / dot.limit).toFixed(2)}`
  }
}
