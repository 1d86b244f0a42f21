import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { parseTime } from "../src/internal/parseTime.ts"

const ms = (value: unknown) => {
  const time = parseTime(value)
  return time instanceof Date ? time.getTime() : time
}

const pad = (value: number, length = 2) => String(value).padStart(length, "0")

describe("parseTime", () => {
  it("reads what Date.parse reads, with any fraction and any offset", () => {
    const instant = fc.date({ min: new Date("1970-01-02"), max: new Date("9999-12-30"), noInvalidDate: true })
    const fraction = fc.stringMatching(/^(|[.,]\d{1,12})$/)
    const zone = fc.oneof(
      fc.constantFrom("Z", "z"),
      fc
        .tuple(fc.constantFrom("+", "-"), fc.nat(23), fc.nat(59))
        .map(([sign, hours, minutes]) => `${sign}${pad(hours)}:${pad(minutes)}`)
    )
    fc.assert(
      fc.property(instant, fraction, zone, fc.constantFrom("T", "t", " "), (date, part, offset, separator) => {
        const second = date.toISOString().slice(0, 19)
        const fractionMs = part.slice(1, 4).padEnd(3, "0")
        const expected = Date.parse(`${second}.${part === "" ? "000" : fractionMs}${offset.toUpperCase()}`)
        assert.strictEqual(ms(`${second.replace("T", separator)}${part}${offset}`), expected)
      })
    )
  })

  it("reads an offset without a fraction, and a leap second", () => {
    assert.strictEqual(ms("2026-11-25T10:00:00+05:30"), Date.UTC(2026, 10, 25, 4, 30))
    assert.strictEqual(ms("2016-12-31T23:59:60Z"), Date.UTC(2017, 0, 1))
  })

  it("refuses days and hours that there are not, and text around a time", () => {
    for (const text of [
      "2026-02-29T00:00:00Z",
      "2026-13-01T00:00:00Z",
      "2026-00-01T00:00:00Z",
      "2026-04-31T00:00:00Z",
      "2026-01-01T24:00:00Z",
      "2026-01-01T00:60:00Z",
      "2026-01-01T00:00:61Z",
      "2026-01-01T00:00:00+24:00",
      "2026-01-01T00:00:00+00:60",
      "2026-01-01T00:00:00",
      "2026-01-01T00:00:00.Z",
      " 2026-01-01T00:00:00Z",
      "1969-12-31T23:59:59Z"
    ]) {
      assert.isUndefined(parseTime(text), text)
    }
  })

  it("tells the unit of a number by its size, and what is unset", () => {
    const second = 1_764_064_800
    for (const unit of [1, 1e3, 1e6, 1e9]) assert.strictEqual(ms(second * unit), second * 1_000)
    for (const value of [undefined, null, "", "0001-01-01T00:00:00Z"]) assert.strictEqual(parseTime(value), "unset")
  })
})
