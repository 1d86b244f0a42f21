import { isTenantSlug, subjectMatches, type TenantSlug } from "@bulkhead/channels"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fc from "fast-check"
import {
  type ConsumerFacts,
  describePlan,
  type Inspection,
  type Mapping,
  parseMapping,
  planMigration,
  type StreamFacts,
  stepId
} from "../src/index.ts"
import { claimSubjects } from "../src/internal/claimSubjects.ts"
import { patternCovers, patternsOverlap } from "../src/internal/patterns.ts"

const slug = (text: string): TenantSlug => {
  if (!isTenantSlug(text)) throw new Error(text)
  return text
}

const consumer = (name: string, more: Partial<ConsumerFacts> = {}): ConsumerFacts => ({
  name,
  isDurable: true,
  kind: "pull",
  filterSubjects: [],
  position: { delivered: 10, ackFloor: 10, ackPending: 0, pending: 0 },
  readers: 1,
  createdAt: "2026-01-01T00:00:00Z",
  config: { deliver_policy: "all", ack_policy: "explicit" },
  ...more
})

const stream = (name: string, subjects: ReadonlyArray<string>, more: Partial<StreamFacts> = {}): StreamFacts => ({
  name,
  createdAt: "2026-01-01T00:00:00Z",
  subjects,
  messages: 100,
  bytes: 10_000,
  firstSequence: 1,
  lastSequence: 100,
  stored: {},
  ratePerSecond: 0,
  consumers: [],
  copiesFrom: [],
  config: { retention: "limits", storage: "file", max_bytes: -1, max_age: 0, num_replicas: 1, duplicate_window: 120e9 },
  ...more
})

const inspection = (streams: ReadonlyArray<StreamFacts>, more: Partial<Inspection> = {}): Inspection => ({
  serverVersion: "2.15.1",
  account: { storedBytes: 10_000, storedBytesMax: -1, streams: streams.length, streamsMax: -1, consumersMax: -1 },
  streams,
  ...more
})

const events = (more: Partial<StreamFacts> = {}) => stream("events", ["events.>", "logs.>"], more)

/** Patterns by tenant, as a mapping file has them. */
const mapped = (tenants: Readonly<Record<string, ReadonlyArray<string>>>): Mapping => ({ tenants })

const plan = (looked: Inspection, mapping: Mapping = {}, tenants?: ReadonlyArray<TenantSlug>) =>
  planMigration(looked, { id: "m1", mapping, ...(tenants === undefined ? {} : { tenants }) })

describe("planMigration", () => {
  it("gives everything to default where the mapping says nothing, and leaves other streams alone", () => {
    const looked = inspection([
      events(),
      stream("KV_rules", ["$KV.rules.>"]),
      stream("TENANT_PROVISIONING", ["serviceradar.tenants.lifecycle.*"])
    ])
    const { plan: made, problems } = plan(looked)
    assert.deepStrictEqual(problems, [])
    assert.deepStrictEqual(
      made.sources.map((source) => source.stream),
      ["events"]
    )
    const [target] = made.targets
    assert.strictEqual(target?.stream, "events-default")
    assert.deepStrictEqual(target?.copies, [{ stream: "events", patterns: ["events.>", "logs.>"] }])
    assert.include(target?.subjects ?? [], "default.events.>")
    assert.notInclude(target?.subjects.join() ?? "", ",events.>")
    assert.deepStrictEqual(made.steps.map(stepId), [
      "MarkSource events",
      "MakeTarget events-default",
      "CopyStored events-default",
      "DropRepeats events-default",
      "VerifyCopies events after copying",
      "OpenTargets",
      "SwitchPublishers",
      "AwaitSilence events",
      "CloseDoor events",
      "VerifyCopies events after closing"
    ])
  })

  it("moves consumers with their filters under the tenant's prefix, before the new streams are open", () => {
    const consumers = [consumer("zen", { filterSubjects: ["logs.syslog"] }), consumer("all")]
    const mapping = { consumers: { "events/zen": "move", "events/all": "move" } } as const
    const { plan: made, problems } = plan(inspection([events({ consumers })]), mapping)
    assert.deepStrictEqual(problems, [])
    assert.deepStrictEqual(
      made.consumers.map(({ successors }) => successors),
      [
        [{ stream: "events-default", durable: "zen", filterSubjects: ["default.logs.syslog"] }],
        [{ stream: "events-default", durable: "all", filterSubjects: [] }]
      ]
    )
    const steps = made.steps.map(stepId)
    assert.isBelow(steps.indexOf("MoveConsumer events/all"), steps.indexOf("OpenTargets"))
  })

  it("shares a stream out by the mapping, names the rest from what is stored, and splits consumers", () => {
    const stored = { "events.acme.x": 5, "events.poller.health": 7, "events.plain": 1 }
    const looked = inspection([events({ stored, consumers: [consumer("all")] })])
    const mapping: Mapping = {
      ...mapped({ acme: ["events.acme.>", "logs.>"] }),
      consumers: { "events/all": "move" }
    }
    const { plan: made, problems } = plan(looked, mapping, [slug("acme")])
    assert.deepStrictEqual(problems, [])
    assert.deepStrictEqual(
      made.targets.map(({ tenant, copies }) => [tenant, copies.flatMap(({ patterns }) => patterns)]),
      [
        ["acme", ["events.acme.>", "logs.>"]],
        ["default", ["events.poller.>", "events.plain"]]
      ]
    )
    assert.deepStrictEqual(
      made.consumers[0]?.successors.map((one) => one.stream),
      ["events-acme", "events-default"]
    )
  })

  it("describes every step and its inverse, and what it takes", () => {
    const { plan: made } = plan(inspection([events({ consumers: [consumer("zen")] })]), {
      consumers: { "events/zen": "move" }
    })
    const text = describePlan(made)
    assert.strictEqual(text.steps.length, made.steps.length)
    for (const { does, undoes } of text.steps) {
      assert.isAbove(does.length, 10)
      assert.isAbove(undoes.length, 10)
    }
    assert.strictEqual(text.diskBytes, 10_000 + 100 * 160)
  })

  describe("names before anything is changed", () => {
    const problemsOf = (looked: Inspection, mapping: Mapping = {}, tenants?: ReadonlyArray<TenantSlug>): string =>
      plan(looked, mapping, tenants).problems.join("\n")

    it("a consumer that nobody has decided about", () => {
      const looked = inspection([events({ consumers: [consumer("who", { readers: 2 })] })])
      assert.match(problemsOf(looked), /consumer "events\/who" \(2 readers\) is not in the mapping/)
      assert.strictEqual(problemsOf(looked, { consumers: { "events/who": "leave" } }), "")
    })

    it("a consumer of the mapping that is not there", () => {
      assert.match(
        problemsOf(inspection([events()]), { consumers: { "events/zen": "move" } }),
        /"events\/zen" of the mapping is on none/
      )
    })

    it("a consumer without a lasting name", () => {
      const looked = inspection([events({ consumers: [consumer("x1", { isDurable: false })] })])
      assert.match(problemsOf(looked), /"events\/x1" has no lasting name/)
      assert.strictEqual(problemsOf(looked, { ephemeral: "leave" }), "")
    })

    it("a consumer that cannot be given a place", () => {
      const looked = inspection([events({ consumers: [consumer("new", { config: { deliver_policy: "new" } })] })])
      assert.match(problemsOf(looked, { consumers: { "events/new": "move" } }), /deliver policy "new"/)
    })

    it("a tenant that does not exist", () => {
      const mapping = mapped({ acme: ["logs.>"] })
      assert.match(
        problemsOf(inspection([events()]), mapping, [slug("globex")]),
        /tenant "acme" of the mapping does not exist/
      )
    })

    it("patterns that overlap, that nothing takes, and that have a prefix already", () => {
      const overlapping = mapped({ acme: ["logs.a.>"], globex: ["logs.*.x"] })
      assert.match(
        problemsOf(inspection([events()]), overlapping),
        /"logs\.a\.>" of tenant "acme" and "logs\.\*\.x" of tenant "globex" overlap/
      )
      assert.match(
        problemsOf(inspection([events()]), mapped({ acme: ["netflow.>"] })),
        /"netflow\.>" of tenant "acme" is taken by none/
      )
      assert.match(
        problemsOf(inspection([events()]), mapped({ acme: ["acme.logs.>"] })),
        /"acme\.logs\.>" of tenant "acme" is no subject without prefix/
      )
    })

    it("a subject that nobody claims, and one that no prefix can stand before", () => {
      assert.match(
        problemsOf(inspection([events({ stored: { "weather.x": 3 } })])),
        /holds 3 messages under "weather\.x", which nobody claims/
      )
      assert.match(
        problemsOf(inspection([stream("events", ["events.>", ">"])])),
        /takes ">", which no tenant's prefix can stand before/
      )
    })

    it("streams that overlap, that are there already, and that copy from a moved one", () => {
      const other = stream("other", ["default.logs.>"])
      assert.match(problemsOf(inspection([events(), other])), /"other" takes subjects of tenant "default"/)
      const taken = stream("events-default", ["x.>"])
      assert.match(problemsOf(inspection([events(), taken])), /"events-default" is there already, with 100 messages/)
      const mirror = stream("archive", [], { copiesFrom: ["events"] })
      assert.match(problemsOf(inspection([events(), mirror])), /"archive" copies from "events"/)
      assert.strictEqual(problemsOf(inspection([events(), mirror]), { dependents: { archive: "leave" } }), "")
    })

    it("a stream that cannot be copied without harm", () => {
      const queue = stream("events", ["events.>"], { config: { retention: "workqueue" } })
      assert.match(
        problemsOf(inspection([queue])),
        /retention "workqueue", so that a copy would take its messages away/
      )
    })

    it("not enough disk, too few streams, and a server that is too old", () => {
      const account = { storedBytes: 10_000, storedBytesMax: 20_000, streams: 1, streamsMax: 2, consumersMax: -1 }
      const problems = problemsOf(inspection([events()], { account }))
      assert.match(problems, /the copies need 26000 bytes and the account has 10000 of 20000 left/)
      assert.match(problems, /2 streams are to be made and the account has 1 of at most 2/)
      assert.match(
        problemsOf(inspection([events()], { serverVersion: "2.9.10" })),
        /2\.9\.10 cannot change subjects while it copies/
      )
    })

    it("that there is nothing to do", () => {
      assert.match(problemsOf(inspection([stream("x", ["acme.events.>"])])), /nothing to migrate/)
    })
  })

  it("says what an older server is missing", () => {
    const { notices, problems } = plan(inspection([events()], { serverVersion: "2.10.27" }))
    assert.deepStrictEqual(problems, [])
    assert.match(notices.join("\n"), /2\.10\.27 cannot pause consumers/)
    assert.match(notices.join("\n"), /2\.10\.27 cannot set a consumer to a place/)
  })
})

describe("parseMapping", () => {
  it.effect("reads a mapping, and says what is wrong with one", () =>
    Effect.gen(function* () {
      const text = `{ "tenants": { "acme": ["logs.acme.>"] }, "consumers": { "events/zen": "leave" } }`
      assert.deepStrictEqual({ ...(yield* parseMapping(text)).tenants }, mapped({ acme: ["logs.acme.>"] }).tenants)
      for (const bad of ["{", `{"tenants":{"ACME":["x"]}}`, `{"tenant":{}}`, `{"consumers":{"a":"stay"}}`]) {
        const error = yield* Effect.flip(parseMapping(bad))
        assert.strictEqual(error.reason._tag, "PlanRefused")
      }
    })
  )
})

const token = fc.constantFrom("a", "b", "acme", "x")
const subject = fc.array(token, { minLength: 1, maxLength: 4 }).map((rest) => `events.${rest.join(".")}`)
const pattern = fc
  .tuple(fc.array(fc.oneof(token, fc.constant("*")), { minLength: 0, maxLength: 3 }), fc.boolean())
  .map(([tokens, isOpen]) => `events.${[...tokens, ...(isOpen || tokens.length === 0 ? [">"] : [])].join(".")}`)

describe("patterns", () => {
  it("overlap where a subject matches both, and cover where none escapes", () => {
    fc.assert(
      fc.property(pattern, pattern, subject, (one, other, concrete) => {
        const [matchesOne, matchesOther] = [subjectMatches(one, concrete), subjectMatches(other, concrete)]
        if (matchesOne && matchesOther) assert.isTrue(patternsOverlap(one, other))
        if (patternCovers(one, other) && matchesOther) assert.isTrue(matchesOne)
        assert.strictEqual(patternsOverlap(one, other), patternsOverlap(other, one))
      })
    )
  })
})

describe("claimSubjects", () => {
  it("gives each stored subject to one tenant: the mapping's, or default", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(subject, { maxLength: 8 }),
        fc.array(pattern, { maxLength: 3 }),
        (stored, patterns) => {
          const disjoint = patterns.filter(
            (one, at) => !patterns.slice(0, at).some((before) => patternsOverlap(one, before))
          )
          const wantedPatterns = disjoint.map((one) => ({ tenant: slug("acme"), pattern: one }))
          const facts = stream("events", ["events.>"], { stored: Object.fromEntries(stored.map((one) => [one, 1])) })
          const { claims, problems } = claimSubjects(facts, wantedPatterns)
          assert.deepStrictEqual(problems, [])
          for (const one of stored) {
            const owners = claims.filter((claim) => subjectMatches(claim.pattern, one))
            const wanted = wantedPatterns.some((claim) => subjectMatches(claim.pattern, one)) ? "acme" : "default"
            assert.deepStrictEqual(
              owners.map(({ tenant }) => tenant),
              [wanted]
            )
          }
        }
      )
    )
  })
})
