/**
 * A comparison as text for people: what would be made, changed and deleted, what each may cost, and what is in the way.
 */
import type { FieldChange, StreamChange, StreamDiff, StreamProblem } from "./StreamChange.ts"
import type { PlannedStream } from "./StreamPlan.ts"
import { shapeOfPlan } from "./StreamShape.ts"

const SIGNS: Readonly<Record<StreamChange["kind"], string>> = {
  "create-stream": "+",
  "update-stream": "~",
  "replace-stream": "±",
  "delete-stream": "-",
  "create-consumer": "+",
  "update-consumer": "~",
  "replace-consumer": "±",
  "delete-consumer": "-"
}

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"] as const

const bytesText = (bytes: number): string => {
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024
    unit += 1
  }
  return `${Number.isInteger(value) ? value : value.toFixed(1)} ${UNITS[unit]}`
}

const AGES = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["min", 60_000],
  ["s", 1_000]
] as const

const ageText = (ms: number): string => {
  const [unit, size] = AGES.find(([, one]) => ms >= one && ms % one === 0) ?? ["ms", 1]
  return `${ms / size} ${unit}`
}

const SUBJECTS_SHOWN = 3

const listText = (items: ReadonlyArray<unknown>): string =>
  items.length <= SUBJECTS_SHOWN
    ? items.join(" ") || "none"
    : `${items.slice(0, SUBJECTS_SHOWN).join(" ")} and ${items.length - SUBJECTS_SHOWN} more`

const valueText = (field: string, value: unknown): string => {
  if (Array.isArray(value)) return listText(value)
  if (typeof value === "number" && field.endsWith("Bytes")) return bytesText(value)
  if (typeof value === "number" && field.endsWith("Ms")) return value === 0 ? "any age" : ageText(value)
  return typeof value === "object" ? JSON.stringify(value) : String(value)
}

const without = (items: ReadonlyArray<unknown>, others: unknown): ReadonlyArray<unknown> =>
  items.filter((item) => !(Array.isArray(others) && others.includes(item)))

/** Of a list what goes and what comes. */
const fieldText = ({ field, from, to }: FieldChange): string => {
  if (!Array.isArray(from) || !Array.isArray(to)) return `${field} ${valueText(field, from)} → ${valueText(field, to)}`
  const gone = without(from, to)
  const added = without(to, from)
  const parts = [
    ...(gone.length === 0 ? [] : [`no more ${listText(gone)}`]),
    ...(added.length === 0 ? [] : [`now ${listText(added)}`])
  ]
  return `${field} ${parts.join(", ") || "in another order"}`
}

const streamText = (wanted: PlannedStream): string => {
  const { subjects, maxBytes, maxAgeMs, storage, discard, replicas = 1 } = shapeOfPlan(wanted)
  const copies = replicas === 1 ? "1 copy" : `${replicas} copies`
  return [
    listText(subjects),
    valueText("maxBytes", maxBytes),
    valueText("maxAgeMs", maxAgeMs),
    `${storage}, ${copies}`,
    `full: ${discard === "new" ? "refuses" : "drops its oldest"}`
  ].join(" · ")
}

const headOf = (change: StreamChange): string => {
  const sign = SIGNS[change.kind]
  return "consumer" in change
    ? `${sign} consumer ${change.consumer} of ${change.stream}`
    : `${sign} stream ${change.stream}`
}

const detailsOf = (change: StreamChange): ReadonlyArray<string> => {
  if (change.kind === "create-stream") return [streamText(change.wanted)]
  if (change.kind === "create-consumer") return [listText(change.wanted.filterSubjects)]
  return "fields" in change ? change.fields.map(fieldText) : []
}

const changeText = (change: StreamChange): ReadonlyArray<string> => [
  headOf(change),
  ...detailsOf(change).map((line) => `    ${line}`),
  ...change.risks.map(({ risk, problem }) => `    ! ${risk}: ${problem}`)
]

const problemText = ({ blocks, problem, nextStep }: StreamProblem): string =>
  `${blocks ? "stops " : "note  "}${problem}: ${nextStep}`

const plural = (count: number, word: string): string => `${count} ${word}${count === 1 ? "" : "s"}`

const summary = ({ changes, problems }: StreamDiff): ReadonlyArray<string> => {
  const blocking = problems.filter(({ blocks }) => blocks).length
  const risks = [...new Set(changes.flatMap((change) => change.risks.map(({ risk }) => risk)))]
  const of = (kind: string) => changes.filter((change) => change.kind.startsWith(kind)).length
  const counts = `${of("create")} to create, ${of("update")} to change, ${of("replace")} to replace, ${of("delete")} to delete`
  return [
    changes.length === 0 ? "Nothing to change." : `${counts}.`,
    ...(blocking === 0 ? [] : [`Nothing can be applied: ${plural(blocking, "problem")} in the way.`]),
    ...(risks.length === 0
      ? []
      : [`What may be lost has to be allowed: ${risks.map((risk) => `--allow ${risk}`).join(" ")}`])
  ]
}

/** Lines without colour. */
export const renderDiff = (diff: StreamDiff): string =>
  [
    ...diff.problems.map(problemText),
    ...(diff.problems.length === 0 ? [] : [""]),
    ...diff.changes.flatMap(changeText),
    ...(diff.changes.length === 0 ? [] : [""]),
    ...summary(diff)
  ].join("\n")
