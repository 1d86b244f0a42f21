import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { intersect, isWithin, overlaps, renamed } from "../src/reachability/patterns.ts"

const LETTERS = ["a", "b"]
/** Every subject of one to four tokens. */
const all: Array<string> = []
for (let depth = 1, last = [""]; depth <= 4; depth++) {
  last = last.flatMap((head) => LETTERS.map((letter) => (head === "" ? letter : `${head}.${letter}`)))
  all.push(...last)
}

const matches = (pattern: string, subject: string): boolean => {
  const [p, s] = [pattern.split("."), subject.split(".")]
  for (let index = 0; ; index++) {
    if (p[index] === ">") return s[index] !== undefined
    if (p[index] === undefined || s[index] === undefined) return p[index] === s[index]
    if (p[index] !== "*" && p[index] !== s[index]) return false
  }
}

/** Patterns short enough that subjects of four tokens tell them apart. */
const pattern = fc
  .tuple(fc.array(fc.constantFrom("a", "b", "*"), { minLength: 1, maxLength: 3 }), fc.boolean())
  .map(([tokens, isOpen]) => [...tokens, ...(isOpen ? [">"] : [])].join("."))

const of = (one: string) => all.filter((subject) => matches(one, subject))

describe("patterns", () => {
  it("meet where their subjects do", () => {
    fc.assert(
      fc.property(pattern, pattern, (left, right) => {
        const common = of(left).filter((subject) => matches(right, subject))
        const met = intersect(left, right)
        assert.deepStrictEqual(met === undefined ? [] : of(met), common)
        if (common.length > 0) assert.isTrue(overlaps(left, right))
      })
    )
  })

  it("are within one another when all their subjects are", () => {
    fc.assert(
      fc.property(pattern, pattern, (inner, outer) => {
        assert.strictEqual(
          isWithin(inner, outer),
          of(inner).every((subject) => matches(outer, subject))
        )
      })
    )
  })

  it("are renamed as each of their subjects is", () => {
    const rename = (subject: string) => `acme.${subject}`
    fc.assert(
      fc.property(pattern, (from) => {
        const to = rename(from)
        assert.strictEqual(renamed(from, from, to), to)
        for (const subject of of(from)) assert.strictEqual(renamed(subject, from, to), rename(subject))
      })
    )
    assert.strictEqual(renamed("a.b.c", "a.*.*", "x.$2.$1"), "x.c.b")
    assert.strictEqual(renamed("a.b", "a.*", "x.{{wildcard(1)}}"), "x.b")
    assert.strictEqual(renamed("a.b", "a.*", "x.{{partition(3,1)}}"), "x.*")
  })
})
