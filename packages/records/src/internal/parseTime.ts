/**
 * The times that publishers write: RFC 3339 text, or a number whose size tells its unit.
 */

const RFC_3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,12}))?(?:[Zz]|([+-])(\d\d):(\d\d))$/

/** 9999-12-31T23:59:59.999Z, the last instant that every reader of a four-digit year understands. */
const TIME_MS_MAX = 253_402_300_799_999

/** Go's zero time: a publisher there that left the time unset sends exactly this. */
const UNSET = "0001-01-01T00:00:00Z"

const DAYS_PER_MONTH = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const

const isLeap = (year: number): boolean => (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0

const fromText = (text: string): number | undefined => {
  const match = RFC_3339.exec(text)
  if (match === null) return undefined
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number
  ]
  const days = month === 2 && !isLeap(year) ? 28 : (DAYS_PER_MONTH[month - 1] ?? 0)
  // A leap second (60) is stored as the first instant of the next minute, as PostgreSQL does.
  if (day < 1 || day > days || hour > 23 || minute > 59 || second > 60) return undefined
  const offsetHours = Number(match[9] ?? 0)
  const offsetMinutes = Number(match[10] ?? 0)
  if (offsetHours > 23 || offsetMinutes > 59) return undefined
  const offsetMs = (offsetHours * 60 + offsetMinutes) * 60_000 * (match[8] === "-" ? -1 : 1)
  const milliseconds = Number((match[7] ?? "").slice(0, 3).padEnd(3, "0"))
  return Date.UTC(year, month - 1, day, hour, minute, second, milliseconds) - offsetMs
}

/** Above 1e18 nanoseconds, above 1e15 microseconds, above 1e12 milliseconds, else seconds. */
const fromNumber = (value: number): number => {
  // Rounded, because a double holds nanoseconds of today only to the nearest 256.
  if (value > 1e18) return Math.round(value / 1e6)
  if (value > 1e15) return Math.round(value / 1e3)
  if (value > 1e12) return Math.round(value)
  return Math.round(value * 1e3)
}

/** The instant, `"unset"` where the publisher gave none, or undefined where it is no time from 1970 to 9999. */
export const parseTime = (value: unknown): Date | "unset" | undefined => {
  if (value === undefined || value === null || value === "" || value === UNSET) return "unset"
  const ms = typeof value === "string" ? fromText(value) : typeof value === "number" ? fromNumber(value) : undefined
  return ms !== undefined && ms >= 0 && ms <= TIME_MS_MAX ? new Date(ms) : undefined
}
