/**
 * The first tokens of base subjects. They are what makes a subject unambiguous: a subject that starts with a root has
 * no tenant prefix, and no tenant may be called like a root (docs/adr/0006). Adding one is a breaking change.
 */
export const ROOTS = [
  "agents",
  "alerts",
  "arancini",
  "checkers",
  "devices",
  "events",
  "flows",
  "gateways",
  "logs",
  "metrics",
  "netflow",
  "otel",
  "snmp",
  "sweep",
  "telemetry"
] as const

export type Root = (typeof ROOTS)[number]

/** For each possible first character, the roots that start with it, each with the dot that must follow. */
const rootsByFirstCharacter: ReadonlyArray<ReadonlyArray<string> | undefined> = Array.from(
  { length: 128 },
  (_, code) => {
    const dotted = ROOTS.filter((root) => root.charCodeAt(0) === code).map((root) => `${root}.`)
    return dotted.length === 0 ? undefined : dotted
  }
)

/** The length of the root that stands at `start` with a dot and something more behind it; 0 where none does. */
export const rootLengthAt = (subject: string, start: number): number => {
  const candidates = rootsByFirstCharacter[subject.charCodeAt(start)]
  if (candidates === undefined) return 0
  for (const dotted of candidates) {
    if (subject.startsWith(dotted, start)) return subject.length > start + dotted.length ? dotted.length - 1 : 0
  }
  return 0
}
