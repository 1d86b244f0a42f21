/**
 * What it costs to find the tenant in a subject, against the one `indexOf` that finds the same place where the base is
 * known beforehand: `subject.indexOf(".events.")`. Parsing knows neither tenant nor base, and checks both.
 */
import { baseOffset, prefixSubject, type TenantSlug } from "@bulkhead/channels"
import { interleave, type Round } from "./interleave.ts"
import type { Benchmark } from "./run.ts"

const SUBJECTS = 4_096
const PASSES = 50
const ROUNDS = 60
const RATIO_MAX = 2

const bases = [
  "events.poller.health",
  "events.ocsf.processed",
  "logs.syslog.processed",
  "otel.metrics.raw",
  "flows.raw.netflow"
]

/** Names as customers have them, of 4 to 13 characters. */
const slugs = ["acme", "globex", "initech", "hooli", "umbrella", "vandelay", "wonka", "stark-group", "blue-sun-corp"]

/** As they come from the network: each decoded from bytes of its own, most prefixed, a tenth not, a few invalid. */
const subjectsFromTheNetwork = (): ReadonlyArray<string> =>
  Array.from({ length: SUBJECTS }, (_, index) => {
    const base = bases[index % bases.length] ?? ""
    const tenant = slugs[Math.floor(index / bases.length) % slugs.length] as TenantSlug
    const prefixed = index % 97 === 0 ? `${tenant}.nonsense.${base}` : String(prefixSubject(tenant, base))
    return Buffer.from(index % 10 === 0 ? base : prefixed, "latin1").toString("latin1")
  })

let sink = 0

const round =
  (subjects: ReadonlyArray<string>, measure: (subject: string) => number): Round =>
  () => {
    const began = performance.now()
    let sum = 0
    for (let pass = 0; pass < PASSES; pass += 1) {
      for (const subject of subjects) sum += measure(subject)
    }
    sink += sum
    return performance.now() - began
  }

export const benchmark: Benchmark = async () => {
  const subjects = subjectsFromTheNetwork()
  const parsing = round(subjects, (subject) => baseOffset(subject))
  const known = interleave(
    parsing,
    round(subjects, (subject) => subject.indexOf(".events.")),
    ROUNDS
  )
  const character = interleave(
    parsing,
    round(subjects, (subject) => subject.indexOf(".")),
    ROUNDS
  )
  const nanoseconds = (ms: number) => ((ms * 1e6) / (SUBJECTS * PASSES)).toFixed(1)
  const ratio = known.work / known.limit
  return {
    ratio,
    isGood: ratio <= RATIO_MAX && sink !== 0,
    text:
      `(limit ${RATIO_MAX}): parsing ${nanoseconds(known.work)} ns, indexOf(".events.") ${nanoseconds(known.limit)} ns ` +
      `a subject; against indexOf(".") of ${nanoseconds(character.limit)} ns it is ${(character.work / character.limit).toFixed(2)}`
  }
}
