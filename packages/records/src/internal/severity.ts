/**
 * The severities of GELF, of JSON logs and of OTLP, on the scale that dashboards of the platform read.
 */

export interface Severity {
  readonly text: string
  readonly number: number
}

const FATAL = { text: "FATAL", number: 23 } as const
const ERROR = { text: "ERROR", number: 19 } as const
const WARN = { text: "WARN", number: 15 } as const
const INFO = { text: "INFO", number: 11 } as const
const DEBUG = { text: "DEBUG", number: 7 } as const

/** What a record has that says nothing. */
export const SEVERITY_UNSET: Severity = INFO

/** By the level of syslog, 0 to 7. */
const BY_LEVEL: ReadonlyArray<Severity> = [FATAL, FATAL, FATAL, ERROR, WARN, INFO, INFO, DEBUG]

const BY_TEXT: ReadonlyMap<string, Severity> = new Map(
  (
    [
      [FATAL, ["fatal", "critical", "crit", "emergency", "emerg", "alert", "panic", "very high"]],
      [ERROR, ["error", "err", "high"]],
      [WARN, ["warn", "warning", "medium"]],
      [INFO, ["info", "informational", "notice", "low", "unknown"]],
      [DEBUG, ["debug", "trace"]]
    ] as const
  ).flatMap(([severity, texts]) => texts.map((text) => [text, severity] as const))
)

/** Four numbers each, from 1. */
const OTLP_TEXTS = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"]
const OTLP_NUMBER_MAX = 24

export const isOtlpSeverity = (value: unknown): value is number =>
  typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= OTLP_NUMBER_MAX

export const severityOfOtlpNumber = (number: number): Severity => ({
  text: OTLP_TEXTS[Math.floor((number - 1) / 4)] ?? SEVERITY_UNSET.text,
  number
})

/** Of a level of syslog or a word for it; undefined where it is neither. */
export const severityOf = (value: unknown): Severity | undefined => {
  if (typeof value === "number") return BY_LEVEL[value]
  if (typeof value !== "string") return undefined
  const text = value.trim().toLowerCase()
  return BY_TEXT.get(text) ?? (/^[0-7]$/.test(text) ? BY_LEVEL[Number(text)] : undefined)
}
