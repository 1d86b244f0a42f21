/**
 * The times that publishers write: RFC 3339 text, or a number whose size tells its unit.
 */

const RFC_3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:[.,]\d{1,12})?(?:[Zz]|[+-]\d\d:\d\d)$/

/** 9999-12-31T23:59:59.999Z, the last instant that every reader of a four-digit year understands. */
const TIME_MS_MAX = 253_402_300_799_999

/** Go's zero time: a publisher there that left the time unset sends exactly this. */
const UNSET = "0001-01-01T00:00:00Z"

const DAYS_PER_MONTH = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const

const isLeap = (year: number): boolean => (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0

const ZERO = "0".charCodeAt(0)
const YEAR_LENGTH = 4
const FRACTION_AT = 20

/** The number that `length` digits from `at` make. Reads no further than digits go, and fills up with zeros. */
const digits = (text: string, at: number, length: number): number => {
  let value = 0
  let end = false
  for (let index = at; index < at + length; index += 1) {
    const digit = text.charCodeAt(index) - ZERO
    end ||= !(digit >= 0 && digit <= 9)
    value = value * 10 + (end ? 0 : digit)
  }
  return value
}

/** Read at fixed places once the form is known, since this runs once a record: groups of a match are objects. */
const fromText = (text: string): number | undefined => {
  if (!RFC_3339.test(text)) return undefined
  const year = digits(text, 0, YEAR_LENGTH)
  const month = digits(text, 5, 2)
  const day = digits(text, 8, 2)
  const hour = digits(text, 11, 2)
  const minute = digits(text, 14, 2)
  const second = digits(text, 17, 2)
  const days = month === 2 && !isLeap(year) ? 28 : (DAYS_PER_MONTH[month - 1] ?? 0)
  // A leap second (60) is stored as the first instant of the next minute, as PostgreSQL does.
  if (day < 1 || day > days || hour > 23 || minute > 59 || second > 60) return undefined
  const offsetMs = offsetOf(text)
  if (offsetMs === undefined) return undefined
  const hasFraction = text[FRACTION_AT - 1] === "." || text[FRACTION_AT - 1] === ","
  const milliseconds = hasFraction ? digits(text, FRACTION_AT, 3) : 0
  return Date.UTC(year, month - 1, day, hour, minute, second, milliseconds) - offsetMs
}

/** Of the last six characters, `+hh:mm`; 0 where a `Z` stands. */
const offsetOf = (text: string): number | undefined => {
  if (text.at(-3) !== ":") return 0
  const at = text.length - 6
  const hours = digits(text, at + 1, 2)
  const minutes = digits(text, at + 4, 2)
  if (hours > 23 || minutes > 59) return undefined
  return (hours * 60 + minutes) * 60_000 * (text[at] === "-" ? -1 : 1)
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
