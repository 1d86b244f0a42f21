import {
  DEFAULT_TENANT,
  type PrefixMode,
  parseSlug,
  parseSubject,
  patternsOverlap,
  ROOTS,
  subjectMatches,
  type TenantSlug
} from "@bulkhead/channels"
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import {
  type PlanOptions,
  planStreams,
  READERS,
  type StreamLayout,
  type StreamPlan,
  type StreamReader,
  type StreamSettings
} from "../src/index.ts"
import { acme, slug } from "./fixtures.ts"

const HOUR_MS = 3_600_000
const settings: StreamSettings = { maxBytes: 1_000_000, maxAgeMs: HOUR_MS }
const zen: StreamReader = {
  name: "zen",
  patterns: ["logs.syslog"],
  ownStreams: true,
  sharedStream: "one",
  madeBy: "plan"
}
const readers: ReadonlyArray<StreamReader> = [READERS.eventWriter, READERS.dbEventWriter, zen]

const layouts: ReadonlyArray<StreamLayout> = ["per-tenant", "shared"]
const modes: ReadonlyArray<PrefixMode> = ["prefixed", "legacy", "both"]

const slugs = fc
  .stringMatching(/^[a-z][a-z0-9-]{0,20}[a-z0-9]$/)
  .filter((text) => !(parseSlug(text) instanceof Error))
  .map((text) => text as TenantSlug)
const customers = fc.uniqueArray(slugs, { maxLength: 12 })
const sizes = fc.integer({ min: 1, max: 1e9 })
const options = (mode: PrefixMode): PlanOptions => ({ mode, shared: settings, readers })

/** `default` is always there: core makes it before anything else. */
const toPlan = (tenants: ReadonlyArray<TenantSlug>) =>
  [DEFAULT_TENANT, ...tenants].map((one) => ({ slug: one, settings }))

const plan = (layout: StreamLayout, tenants: ReadonlyArray<TenantSlug>, mode: PrefixMode): StreamPlan =>
  planStreams(layout, toPlan(tenants), options(mode))

const takers = ({ streams }: StreamPlan, subject: string) =>
  streams.flatMap(({ name, subjects }) =>
    subjects.filter((pattern) => subjectMatches(pattern, subject)).map((pattern) => ({ name, pattern }))
  )

const anyLayout = fc.constantFrom(...layouts)
const anyMode = fc.constantFrom(...modes)

describe("planStreams", () => {
  it("gives a tenant a stream with all roots under its prefix, or all tenants one, each listed once", () => {
    const own = plan("per-tenant", [acme], "prefixed").streams
    assert.deepStrictEqual(
      own.map(({ name }) => name),
      ["events-acme", "events-default"]
    )
    assert.deepStrictEqual(own[0], {
      ...settings,
      name: "events-acme",
      tenant: acme,
      subjects: ROOTS.map((root) => `acme.${root}.>`),
      allowAtomic: true,
      consumers: [
        {
          name: "event-writer",
          tenant: acme,
          filterSubjects: READERS.eventWriter.patterns.map((pattern) => `acme.${pattern}`),
          madeBy: "reader"
        },
        { name: "zen", tenant: acme, filterSubjects: ["acme.logs.syslog"], madeBy: "plan" }
      ]
    })
    const [shared] = plan("shared", [slug("globex"), acme], "both").streams
    assert.deepStrictEqual(shared?.subjects, ["acme.>", "default.>", "globex.>", ...ROOTS.map((root) => `${root}.>`)])
    assert.deepStrictEqual(
      shared?.consumers?.map(({ name }) => name),
      ["event-writer-acme", "event-writer-default", "event-writer-globex", "db-event-writer", "zen"]
    )
  })

  it("lets no two patterns overlap, in a stream or between two", () => {
    fc.assert(
      fc.property(anyLayout, anyMode, customers, (layout, mode, tenants) => {
        const patterns = plan(layout, tenants, mode).streams.flatMap(({ subjects }) => subjects)
        for (const [index, one] of patterns.entries()) {
          for (const other of patterns.slice(index + 1)) assert.isFalse(patternsOverlap(one, other), `${one} ${other}`)
        }
      }),
      { numRuns: 30 }
    )
  })

  it("takes each tenant's subjects of each root once, where the mode has them, and none besides", () => {
    fc.assert(
      fc.property(
        anyLayout,
        anyMode,
        customers,
        fc.constantFrom(...ROOTS),
        fc.stringMatching(/^[a-z]{1,8}(\.[a-z]{1,8}){0,2}$/),
        (layout, mode, tenants, root, rest) => {
          const planned = plan(layout, tenants, mode)
          for (const tenant of [DEFAULT_TENANT, ...tenants]) {
            const found = takers(planned, `${tenant}.${root}.${rest}`)
            assert.lengthOf(found, mode === "legacy" ? 0 : 1)
            if (layout === "per-tenant" && mode !== "legacy") assert.strictEqual(found[0]?.name, `events-${tenant}`)
          }
          const unprefixed = takers(planned, `${root}.${rest}`)
          assert.lengthOf(unprefixed, mode === "prefixed" ? 0 : 1)
          if (layout === "per-tenant" && mode !== "prefixed") assert.strictEqual(unprefixed[0]?.name, "events-default")
        }
      )
    )
  })

  it("lets a reader's consumers in a layout read each message of its pattern once, for the tenant it belongs to", () => {
    fc.assert(
      fc.property(anyLayout, anyMode, customers, (layout, mode, tenants) => {
        const { streams } = plan(layout, tenants, mode)
        const all = [DEFAULT_TENANT, ...tenants]
        const subjects = ["events.a", "logs.syslog"].flatMap((base) => [
          base,
          ...all.map((tenant) => `${tenant}.${base}`)
        ])
        for (const subject of subjects) {
          const parsed = parseSubject(subject)
          if (parsed instanceof Error) throw parsed
          for (const stream of streams.filter(({ subjects: taken }) =>
            taken.some((one) => subjectMatches(one, subject))
          )) {
            for (const reader of ["event-writer", "zen"]) {
              const reading = (stream.consumers ?? []).filter(
                ({ name, filterSubjects }) =>
                  (name === reader || name === `${reader}-${parsed.tenant}`) &&
                  filterSubjects.some((filter) => subjectMatches(filter, subject))
              )
              const isRead = subject.endsWith(reader === "zen" ? "logs.syslog" : "events.a")
              assert.lengthOf(reading, isRead ? 1 : 0, `${subject} by ${reader} of ${stream.name}`)
              if (isRead && reading[0]?.tenant !== undefined) assert.strictEqual(reading[0].tenant, parsed.tenant)
            }
          }
        }
      })
    )
  })

  it("is the same whatever the order of the tenants", () => {
    const shuffled = customers.chain((tenants) =>
      fc.tuple(fc.constant(tenants), fc.shuffledSubarray(tenants, { minLength: tenants.length }))
    )
    fc.assert(
      fc.property(anyLayout, anyMode, shuffled, (layout, mode, [tenants, others]) => {
        assert.deepStrictEqual(plan(layout, tenants, mode), plan(layout, others, mode))
      })
    )
  })

  it("changes nothing but a new tenant's own stream, where each has one", () => {
    fc.assert(
      fc.property(anyMode, customers, slugs, (mode, tenants, added) => {
        const before = plan("per-tenant", tenants, mode).streams
        const after = plan("per-tenant", [...tenants, added], mode).streams
        assert.deepStrictEqual(
          after.filter(({ name }) => name !== `events-${added}`),
          before.filter(({ name }) => name !== `events-${added}`)
        )
        assert.lengthOf(
          after.filter(({ tenant }) => tenant === added),
          mode === "legacy" ? 0 : 1
        )
      })
    )
  })

  it("gives each tenant's stream its own size, age and copies, and the shared one those of all", () => {
    fc.assert(
      fc.property(customers, fc.array(sizes, { minLength: 13, maxLength: 13 }), (tenants, bytes) => {
        const wanted = tenants.map((one, index) => ({
          slug: one,
          settings: { ...settings, maxBytes: bytes[index] ?? 1, replicas: 1 + (index % 3) }
        }))
        for (const { tenant, maxBytes, replicas } of planStreams("per-tenant", wanted, options("prefixed")).streams) {
          const own = wanted.find((one) => one.slug === tenant)?.settings
          assert.deepStrictEqual({ maxBytes, replicas }, { maxBytes: own?.maxBytes, replicas: own?.replicas })
        }
        assert.strictEqual(planStreams("shared", wanted, options("both")).streams[0]?.maxBytes, settings.maxBytes)
      })
    )
  })

  it("names streams and consumers as the server allows", () => {
    fc.assert(
      fc.property(anyLayout, anyMode, customers, (layout, mode, tenants) => {
        const { streams } = plan(layout, tenants, mode)
        const names = streams.map(({ name }) => name)
        assert.strictEqual(new Set(names).size, names.length)
        for (const { name, consumers = [] } of streams) {
          assert.match(name, /^[\w-]{1,255}$/)
          for (const consumer of consumers) assert.match(consumer.name, /^[\w-]{1,255}$/)
          assert.strictEqual(new Set(consumers.map((one) => one.name)).size, consumers.length)
        }
      })
    )
  })

  it("writes wildcards in place of the list only where asked, and never beside unprefixed subjects", () => {
    const wild = (mode: PrefixMode) =>
      planStreams("shared", toPlan([acme]), { ...options(mode), sharedSubjects: "wildcard" }).streams[0]?.subjects
    assert.deepStrictEqual(
      wild("prefixed"),
      ROOTS.map((root) => `*.${root}.>`)
    )
    assert.deepStrictEqual(wild("both"), plan("shared", [acme], "both").streams[0]?.subjects)
    assert.deepStrictEqual(wild("legacy"), plan("shared", [acme], "legacy").streams[0]?.subjects)
  })

  it("keeps the platform's own streams among the others, by name", () => {
    const others = [{ name: "TENANT_PROVISIONING", subjects: ["lifecycle.*"], maxAgeMs: HOUR_MS }]
    const { streams } = planStreams("per-tenant", toPlan([acme]), { ...options("both"), others })
    assert.deepStrictEqual(
      streams.map(({ name }) => name),
      ["TENANT_PROVISIONING", "events-acme", "events-default"]
    )
  })
})
