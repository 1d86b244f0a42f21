import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import {
  BASE_LENGTH_MAX,
  baseOffset,
  CHANNELS,
  ChannelError,
  type ChannelErrorReason,
  DEFAULT_TENANT,
  isTenantSlug,
  NO_BASE,
  parseSlug,
  parseSubject,
  prefixSubject,
  RESERVED_SLUGS,
  ROOTS,
  SLUG_LENGTH_MAX,
  schemaName,
  streamName,
  stripTenant,
  subjectMatches,
  type TenantSlug
} from "../src/index.ts"

const slugs = fc
  .stringMatching(/^[a-z][a-z0-9-]{0,46}[a-z0-9]?$/)
  .filter((text) => !text.endsWith("-") && !RESERVED_SLUGS.has(text))
const tokens = fc.stringMatching(/^[!-)+-\-/-=?-~]{1,12}$/)
const bases = fc
  .tuple(fc.constantFrom(...ROOTS), fc.array(tokens, { minLength: 1, maxLength: 6 }))
  .map(([root, rest]) => [root, ...rest].join("."))
const anyText = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({ unit: "grapheme" }),
  fc.stringMatching(/^[a-z.*>-]*$/)
)

const reasonOf = (result: unknown): ChannelErrorReason | undefined =>
  result instanceof ChannelError ? result.reason : undefined

describe("parseSlug", () => {
  it("takes every lower-case DNS label of up to 48 characters that starts with a letter", () => {
    fc.assert(fc.property(slugs, (slug) => (parseSlug(slug) as unknown) === slug && isTenantSlug(slug)))
  })

  it.each<[unknown, ChannelErrorReason]>([
    [undefined, "not_a_string"],
    [{ toString: () => "acme" }, "not_a_string"],
    ["", "empty"],
    ["a".repeat(SLUG_LENGTH_MAX + 1), "too_long"],
    ["a".repeat(1_000_000), "too_long"],
    ["acme.logs", "invalid_character"],
    ["acme*", "invalid_character"],
    [">", "invalid_character"],
    ["acme corp", "invalid_character"],
    ["acme\r\nPUB", "invalid_character"],
    ["acme\u0000", "invalid_character"],
    ["аcme", "invalid_character"],
    ["ﬁrst", "invalid_character"],
    ["Acme", "invalid_character"],
    ["acme_corp", "invalid_character"],
    ['tenant"; drop schema public; --', "invalid_character"],
    ["1acme", "invalid_start"],
    ["-acme", "invalid_start"],
    ["acme-", "invalid_end"],
    ["logs", "reserved"],
    ["default", "reserved"],
    ["platform", "reserved"],
    ["sys", "reserved"]
  ])("refuses %j as %s", (text, reason) => {
    assert.strictEqual(reasonOf(parseSlug(text)), reason)
  })

  it("takes nothing but what its rule describes", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const isSlug = /^[a-z](?:[a-z0-9-]{0,46}[a-z0-9])?$/.test(text) && !RESERVED_SLUGS.has(text)
        assert.strictEqual((parseSlug(text) as unknown) === text, isSlug)
      })
    )
  })

  it("shows a refused value cut and without control characters", () => {
    const error = parseSlug(`acme\r\n\u001b[31m${"x".repeat(500)}`)
    assert.instanceOf(error, ChannelError)
    assert.match((error as ChannelError).message, /^[ -~…]+$/)
    assert.isBelow((error as ChannelError).message.length, 250)
  })
})

describe("isTenantSlug", () => {
  it("takes default, which parseSlug refuses, and no other reserved word", () => {
    assert.isTrue(isTenantSlug(DEFAULT_TENANT))
    for (const word of RESERVED_SLUGS) assert.strictEqual(isTenantSlug(word), word === DEFAULT_TENANT)
  })
})

describe("parseSubject", () => {
  it("gives back what prefixSubject put together", () => {
    fc.assert(
      fc.property(fc.oneof(slugs, fc.constant("default")), bases, (slug, base) => {
        const subject = prefixSubject(slug as TenantSlug, base)
        assert.deepStrictEqual(parseSubject(subject as string), { tenant: slug as TenantSlug, base, prefixed: true })
        assert.strictEqual(baseOffset(subject as string), slug.length + 1)
        assert.strictEqual(stripTenant(subject as string), base)
      })
    )
  })

  it("gives an unprefixed subject to default", () => {
    fc.assert(
      fc.property(bases, (base) => {
        assert.deepStrictEqual(parseSubject(base), { tenant: DEFAULT_TENANT, base, prefixed: false })
        assert.strictEqual(baseOffset(base), 0)
      })
    )
  })

  it("has one reading for any text: no text is both prefixed and unprefixed, and a parsed one can be rebuilt", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          anyText,
          fc.tuple(anyText, bases).map((parts) => parts.join("."))
        ),
        (text) => {
          const parsed = parseSubject(text)
          if (parsed instanceof ChannelError) return
          assert.isTrue(isTenantSlug(parsed.tenant))
          assert.strictEqual(parsed.prefixed ? `${parsed.tenant}.${parsed.base}` : parsed.base, text)
          const [first = "", second = ""] = text.split(".")
          assert.strictEqual((ROOTS as ReadonlyArray<string>).includes(first), !parsed.prefixed)
          if (parsed.prefixed) assert.include(ROOTS as ReadonlyArray<string>, second)
        }
      )
    )
  })

  it("reads the subjects that a parser without reserved roots gets wrong", () => {
    const parse = (subject: string): unknown => parseSubject(subject)
    assert.deepStrictEqual(parse("logs.otel"), { tenant: "default", base: "logs.otel", prefixed: false })
    assert.deepStrictEqual(parse("otel.metrics.raw"), { tenant: "default", base: "otel.metrics.raw", prefixed: false })
    assert.deepStrictEqual(parse("acme.otel.metrics.raw"), { tenant: "acme", base: "otel.metrics.raw", prefixed: true })
    assert.deepStrictEqual(parse("default.logs.x"), { tenant: "default", base: "logs.x", prefixed: true })
  })

  it.each<[string, ChannelErrorReason]>([
    ["", "empty"],
    ["x".repeat(300), "too_long"],
    ["logs", "unknown_root"],
    ["logs.", "empty_token"],
    [".logs.x", "empty_token"],
    ["acme..logs.x", "empty_token"],
    ["acme.logs", "missing_root"],
    ["acme.secret.x", "missing_root"],
    ["acme.globex.logs.x", "missing_root"],
    ["ACME.logs.x", "unknown_root"],
    ["$SYS.REQ.x", "unknown_root"],
    ["_INBOX.abc", "unknown_root"],
    ["platform.logs.x", "reserved"],
    ["*.logs.x", "wildcard"],
    ["acme.logs.>", "wildcard"],
    ["acme.logs.x y", "invalid_character"],
    ["acme.logs.x\r\nPUB evil 0", "invalid_character"],
    ["acme.lоgs.x", "invalid_character"]
  ])("refuses %j as %s", (subject, reason) => {
    assert.strictEqual(reasonOf(parseSubject(subject)), reason)
  })
})

describe("prefixSubject", () => {
  it("refuses a base subject that is prefixed already, has no root, or is too long", () => {
    const acme = "acme" as TenantSlug
    assert.strictEqual(reasonOf(prefixSubject(acme, "globex.logs.x")), "unknown_root")
    assert.strictEqual(reasonOf(prefixSubject(acme, "$JS.API.STREAM.PURGE.x")), "unknown_root")
    assert.strictEqual(reasonOf(prefixSubject(acme, `logs.${"x".repeat(BASE_LENGTH_MAX)}`)), "too_long")
  })
})

describe("baseOffset", () => {
  it("agrees with parseSubject on every subject that a server can deliver", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          bases,
          fc.tuple(slugs, bases).map((parts) => parts.join(".")),
          fc.array(tokens).map((all) => all.join("."))
        ),
        (subject) => {
          const parsed = parseSubject(subject)
          if (!(parsed instanceof ChannelError)) {
            assert.strictEqual(subject.slice(baseOffset(subject)), parsed.base)
          } else if (parsed.reason === "unknown_root" || parsed.reason === "missing_root") {
            assert.strictEqual(baseOffset(subject), NO_BASE)
          }
        }
      )
    )
  })
})

describe("names", () => {
  it("are injective and fit PostgreSQL and JetStream", () => {
    fc.assert(
      fc.property(slugs, slugs, (left, right) => {
        assert.strictEqual(schemaName(left as TenantSlug) === schemaName(right as TenantSlug), left === right)
        assert.strictEqual(streamName(left as TenantSlug) === streamName(right as TenantSlug), left === right)
        assert.match(schemaName(left as TenantSlug), /^[a-z][a-z0-9_]{0,62}$/)
      })
    )
  })
})

describe("CHANNELS", () => {
  it("lists tenants' channels under known roots and the platform's outside of them", () => {
    for (const { subject, scope } of Object.values(CHANNELS)) {
      const [root = ""] = subject.split(".")
      assert.strictEqual((ROOTS as ReadonlyArray<string>).includes(root), scope === "tenant", subject)
    }
  })
})

describe("subjectMatches", () => {
  it("agrees with a matcher written as the definition reads", () => {
    const reference = (pattern: ReadonlyArray<string>, subject: ReadonlyArray<string>): boolean => {
      const [head, ...rest] = pattern
      if (head === undefined) return subject.length === 0
      if (head === ">") return subject.length > 0
      return subject.length > 0 && (head === "*" || head === subject[0]) && reference(rest, subject.slice(1))
    }
    const word = fc.constantFrom("a", "b", "logs")
    const patterns = fc
      .tuple(fc.array(fc.oneof(word, fc.constant("*")), { maxLength: 4 }), fc.boolean())
      .map(([words, open]) => (open ? [...words, ">"] : words))
      .filter((words) => words.length > 0)
    fc.assert(
      fc.property(patterns, fc.array(word, { minLength: 1, maxLength: 5 }), (pattern, subject) => {
        assert.strictEqual(subjectMatches(pattern.join("."), subject.join(".")), reference(pattern, subject))
      })
    )
  })
})
