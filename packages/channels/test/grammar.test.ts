import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import {
  BASE_LENGTH_MAX,
  baseOffset,
  CHANNELS,
  type Channel,
  ChannelError,
  type ChannelErrorReason,
  DEFAULT_TENANT,
  isTenantSlug,
  NO_BASE,
  type PrefixMode,
  parseSlug,
  parseSubject,
  patternsForAllTenants,
  patternsForTenant,
  prefixSubject,
  RESERVED_SLUGS,
  ROOTS,
  SLUG_LENGTH_MAX,
  SUBJECT_LENGTH_MAX,
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
    ["x".repeat(1_000_000), "too_long"],
    ["logs", "bare_root"],
    ["acme", "missing_root"],
    ["logs.", "empty_token"],
    [".logs.x", "empty_token"],
    ["acme..logs.x", "empty_token"],
    ["acme.logs", "bare_root"],
    ["default.logs", "bare_root"],
    ["acme-.logs.x", "unknown_root"],
    ["logs-.logs.x", "unknown_root"],
    [`${"a".repeat(SLUG_LENGTH_MAX + 1)}.logs.x`, "unknown_root"],
    ["acme.secret.x", "missing_root"],
    ["acme.globex.logs.x", "missing_root"],
    ["ACME.logs.x", "unknown_root"],
    ["$SYS.REQ.x", "unknown_root"],
    ["_INBOX.abc", "unknown_root"],
    ["platform.logs.x", "reserved"],
    ["serviceradar.tenants.lifecycle.created", "reserved"],
    ["*.logs.x", "wildcard"],
    ["acme.logs.>", "wildcard"],
    ["acme.logs.x y", "invalid_character"],
    ["acme.logs.x\r\nPUB evil 0", "invalid_character"],
    ["acme.logs.\u0000", "invalid_character"],
    ["acme.logs.\u007f", "invalid_character"],
    ["acme.lоgs.x", "invalid_character"],
    ["acme．logs．x", "invalid_character"]
  ])("refuses %j as %s", (subject, reason) => {
    assert.strictEqual(reasonOf(parseSubject(subject)), reason)
  })

  it("reads subjects as long as slug and base may be, and refuses one character more", () => {
    const longest = `${"a".repeat(SLUG_LENGTH_MAX)}.logs.`.padEnd(SUBJECT_LENGTH_MAX, "x")
    assert.strictEqual(baseOffset(longest), SLUG_LENGTH_MAX + 1)
    assert.strictEqual(stripTenant(longest), longest.slice(SLUG_LENGTH_MAX + 1))
    assert.strictEqual(reasonOf(parseSubject(`${longest}x`)), "too_long")
  })

  it("names no tenant that is reserved, on the hot path neither", () => {
    for (const word of RESERVED_SLUGS) {
      if (word === DEFAULT_TENANT) continue
      const offset = baseOffset(`${word}.logs.x`)
      assert.strictEqual(offset, (ROOTS as ReadonlyArray<string>).includes(word) ? 0 : NO_BASE, word)
      assert.strictEqual(baseOffset(`${word}-1.logs.x`), word.length + 3, word)
    }
  })
})

describe("prefixSubject", () => {
  it("refuses a base subject that is prefixed already, has no root, or is too long", () => {
    const acme = "acme" as TenantSlug
    assert.strictEqual(reasonOf(prefixSubject(acme, "globex.logs.x")), "unknown_root")
    assert.strictEqual(reasonOf(prefixSubject(acme, "$JS.API.STREAM.PURGE.x")), "unknown_root")
    assert.strictEqual(reasonOf(prefixSubject(acme, `logs.${"x".repeat(BASE_LENGTH_MAX)}`)), "too_long")
    assert.strictEqual(reasonOf(prefixSubject(acme, "platform.logs.x")), "reserved")
    assert.strictEqual(reasonOf(prefixSubject(acme, "logs")), "bare_root")
  })

  it("refuses a slug that a cast let through", () => {
    const forged: ReadonlyArray<[unknown, ChannelErrorReason]> = [
      ["*", "invalid_character"],
      [">", "invalid_character"],
      ["acme.logs", "invalid_character"],
      ["acme\r\nPUB", "invalid_character"],
      ["", "empty"],
      ["logs", "reserved"],
      [undefined, "not_a_string"]
    ]
    for (const [slug, reason] of forged) {
      assert.strictEqual(reasonOf(prefixSubject(slug as TenantSlug, "logs.x")), reason, String(slug))
    }
  })

  it("gives a subject that reaches its own tenant's subscriptions and no other's", () => {
    fc.assert(
      fc.property(slugs, slugs, bases, fc.constantFrom<PrefixMode>("prefixed", "both"), (owner, other, base, mode) => {
        const subject = prefixSubject(owner as TenantSlug, base) as string
        const pattern = `${base.slice(0, base.indexOf("."))}.>`
        const deliveries = (patterns: ReadonlyArray<string>) =>
          patterns.filter((each) => subjectMatches(each, subject)).length
        assert.strictEqual(deliveries(patternsForTenant(owner as TenantSlug, pattern, mode)), 1)
        assert.strictEqual(deliveries(patternsForAllTenants(pattern, mode)), 1)
        assert.strictEqual(deliveries(patternsForTenant(DEFAULT_TENANT, pattern, mode)), 0)
        if (other !== owner) assert.strictEqual(deliveries(patternsForTenant(other as TenantSlug, pattern, mode)), 0)
      })
    )
  })
})

describe("baseOffset", () => {
  const isRoot = (token = "") => (ROOTS as ReadonlyArray<string>).includes(token)
  /** The grammar as it reads, token by token. */
  const reference = (subject: string): number => {
    const [first = "", second, ...rest] = subject.split(".")
    if (isRoot(first)) return second === undefined ? NO_BASE : 0
    return isTenantSlug(first) && isRoot(second) && rest.length > 0 ? first.length + 1 : NO_BASE
  }

  it("agrees with a parser written as the grammar reads, and with parseSubject", () => {
    const firsts = fc.oneof(
      slugs,
      fc.constantFrom(...RESERVED_SLUGS, "default-", "logs-", "-logs", "1acme", "acme_corp", "Acme"),
      tokens
    )
    fc.assert(
      fc.property(
        fc.oneof(
          bases,
          fc.tuple(firsts, bases).map((parts) => parts.join(".")),
          fc
            .array(fc.oneof(firsts, fc.constantFrom(...ROOTS)), { minLength: 1, maxLength: 4 })
            .map((all) => all.join("."))
        ),
        (subject) => {
          const parsed = parseSubject(subject)
          const offset = parsed instanceof ChannelError ? NO_BASE : subject.length - parsed.base.length
          assert.strictEqual(baseOffset(subject), reference(subject), subject)
          assert.strictEqual(baseOffset(subject), offset, subject)
        }
      ),
      { numRuns: 2_000 }
    )
  })

  it("refuses every character outside of ASCII in tenant and root, look-alikes of a shifted code too", () => {
    for (const subject of ["logs.x", "acme.logs.x"]) {
      for (let at = 0; at < subject.length - 1; at += 1) {
        for (const shift of [0x80, 0x100, 0x8000]) {
          const shifted = String.fromCharCode(subject.charCodeAt(at) + shift)
          assert.strictEqual(baseOffset(subject.slice(0, at) + shifted + subject.slice(at + 1)), NO_BASE)
        }
      }
    }
  })

  it("refuses a root with nothing behind its dot", () => {
    assert.deepStrictEqual(["logs.", "acme.logs.", "", "."].map(baseOffset), [NO_BASE, NO_BASE, NO_BASE, NO_BASE])
  })

  it("never names a tenant that cannot exist, whatever a publisher sends", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          anyText,
          fc.tuple(anyText, bases).map((parts) => parts.join("."))
        ),
        (subject) => {
          const offset = baseOffset(subject)
          if (offset > 0) assert.isTrue(isTenantSlug(subject.slice(0, offset - 1)), subject)
        }
      )
    )
  })
})

describe("names", () => {
  it("give the slug back, so no two tenants share one, and fit PostgreSQL and JetStream", () => {
    fc.assert(
      fc.property(slugs, (slug) => {
        const schema = schemaName(slug as TenantSlug)
        assert.strictEqual(schema.replace(/^tenant_/, "").replaceAll("_", "-"), slug)
        assert.strictEqual(streamName(slug as TenantSlug).replace(/^events-/, ""), slug)
        assert.match(schema, /^tenant_[a-z0-9_]{1,56}$/)
      })
    )
  })
})

describe("CHANNELS", () => {
  const channels: ReadonlyArray<Channel> = Object.values(CHANNELS)
  const isPublishedByZen = ({ publisher }: Channel) => publisher === "zen"
  const readByZen = channels.filter(({ readers }) => readers.includes("zen"))

  it("lists tenants' channels under known roots and the platform's outside of them", () => {
    for (const { subject, scope } of channels) {
      const [root = ""] = subject.split(".")
      assert.strictEqual((ROOTS as ReadonlyArray<string>).includes(root), scope === "tenant", subject)
      if (scope === "tenant") assert.deepStrictEqual(patternsForTenant(DEFAULT_TENANT, subject, "legacy"), [subject])
    }
  })

  it("lists each subject once", () => {
    assert.strictEqual(new Set(channels.map(({ subject }) => subject)).size, channels.length)
  })

  it("has a processed channel for each subject that zen reads, and none that zen would read again", () => {
    for (const { subject } of readByZen) {
      const output = `${subject}.processed`
      assert.isTrue(
        channels.some((channel) => isPublishedByZen(channel) && subjectMatches(channel.subject, output)),
        output
      )
      assert.isFalse(
        readByZen.some((channel) => subjectMatches(channel.subject, output)),
        output
      )
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

  it.each([
    ["logs..x", "logs..x"],
    ["logs.", "logs."],
    [".logs", ".logs"],
    ["acme.>", "acme.logs..x"],
    [">", ""],
    ["*", ""],
    ["acme.logs.x", "acme.logs.*"],
    ["logs.>.x", "logs.a.x"]
  ])("delivers nothing on %j for %j", (pattern, subject) => {
    assert.isFalse(subjectMatches(pattern, subject))
  })
})
