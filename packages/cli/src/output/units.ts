/**
 * Figures for people; in JSON they stay bytes, milliseconds and ISO times.
 */
import type * as DateTime from "effect/DateTime"
import { formatIso } from "effect/DateTime"

/** A duration in the largest unit that fits: `0.4 s`, `12 s`, `3 min`, `5 h`, `2 d`. */
export const duration = (ms: number): string => {
  const seconds = ms / 1000
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  if (seconds < 120) return `${Math.round(seconds)} s`
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`
  return seconds < 172_800 ? `${Math.round(seconds / 3_600)} h` : `${Math.round(seconds / 86_400)} d`
}

/** A time to the second, UTC: `2026-11-25T14:03:07Z`. */
export const time = (at: DateTime.DateTime | undefined): string =>
  at === undefined ? "never" : formatIso(at).replace(/\.\d+Z$/, "Z")

/** A lag: messages, and how long the oldest of them has waited. */
export const lag = (messages: number, ageMs: number | undefined): string =>
  ageMs === undefined ? String(messages) : `${messages} (${duration(ageMs)})`

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"] as const

/** A size in the largest unit that fits: `512 B`, `1.5 GiB`. */
export const size = (bytes: number): string => {
  let figure = bytes
  let unit = 0
  while (figure >= 1024 && unit < UNITS.length - 1) {
    figure /= 1024
    unit += 1
  }
  return `${unit === 0 || Number.isInteger(figure) ? figure : figure.toFixed(1)} ${UNITS[unit]}`
}
