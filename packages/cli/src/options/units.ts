/**
 * Durations, times and sizes on the command line, as operators write them.
 */
import * as Flag from "effect/cli/Flag"
import * as DateTime from "effect/DateTime"

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Milliseconds of `90s`, `15m`, `1h` or `2d`; undefined for a text that is none. */
export const parseDuration = (text: string): number | undefined => {
  const [, figure, unit = ""] = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text) ?? []
  const ms = Number(figure) * (UNIT_MS[unit] ?? Number.NaN)
  return Number.isSafeInteger(ms) ? ms : undefined
}

const UNIT_BYTES: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40
}

/** A whole number, or bytes of `512MiB` or `2GB`; undefined for a text that is none. */
export const parseSize = (text: string): number | undefined => {
  const [, figure, unit = ""] = /^(\d{1,16}(?:\.\d{1,3})?) ?([a-z]*)$/i.exec(text) ?? []
  const bytes = Math.round(Number(figure) * (UNIT_BYTES[unit.toLowerCase()] ?? Number.NaN))
  return Number.isSafeInteger(bytes) ? bytes : undefined
}

const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/

/** `2026-11-25T10:00:00Z`, or `2h` for two hours ago. Without a zone a time would mean another one elsewhere. */
export const parseTime = (text: string, nowMs: number): DateTime.Utc | undefined => {
  const agoMs = parseDuration(text)
  const ms = agoMs === undefined ? (RFC_3339.test(text) ? Date.parse(text) : Number.NaN) : nowMs - agoMs
  return Number.isNaN(ms) ? undefined : DateTime.makeUnsafe(ms)
}

const orThrow = <A>(value: A | undefined): A => {
  if (value === undefined) throw new Error()
  return value
}

/** A flag that is a duration, in milliseconds. */
export const durationFlag = (name: string): Flag.Flag<number> =>
  Flag.String(name).pipe(
    Flag.withMetavar("<90s|15m|1h|2d>"),
    Flag.mapTryCatch(
      (text) => orThrow(parseDuration(text)),
      () => "a number with its unit: 90s, 15m, 1h or 2d"
    )
  )

/** A flag that is a time: an instant, or how long ago. */
export const timeFlag = (name: string): Flag.Flag<DateTime.Utc> =>
  Flag.String(name).pipe(
    Flag.withMetavar("<time|2h>"),
    Flag.mapTryCatch(
      (text) => orThrow(parseTime(text, Date.now())),
      () => "a time with its zone (2026-11-25T10:00:00Z), or how long ago (90s, 15m, 2h, 3d)"
    )
  )
