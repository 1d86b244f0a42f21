import { DEFAULT_TENANT, ROOTS, subjectMatches } from "@bulkhead/channels"
import { assert, describe, it } from "@effect/vitest"
import { tenantStreamConfig } from "../src/index.ts"
import { acme, slug } from "./fixtures.ts"

const limits = { maxBytes: 1_000_000, maxAgeMs: 86_400_000 }

describe("tenantStreamConfig", () => {
  it("gives a customer all roots under its prefix, and nothing without", () => {
    for (const mode of ["prefixed", "both"] as const) {
      const config = tenantStreamConfig({ tenant: acme, mode, limits })
      assert.deepStrictEqual(config, {
        name: "events-acme",
        subjects: ROOTS.map((root) => `acme.${root}.>`),
        ...limits
      })
    }
    assert.isUndefined(tenantStreamConfig({ tenant: acme, mode: "legacy", limits }))
  })

  it("gives unprefixed subjects to default alone", () => {
    const subjectsIn = (mode: "legacy" | "prefixed" | "both") =>
      tenantStreamConfig({ tenant: DEFAULT_TENANT, mode, limits })?.subjects
    assert.deepStrictEqual(
      subjectsIn("legacy"),
      ROOTS.map((root) => `${root}.>`)
    )
    assert.deepStrictEqual(
      subjectsIn("prefixed"),
      ROOTS.map((root) => `default.${root}.>`)
    )
    assert.sameMembers(
      [...(subjectsIn("both") ?? [])],
      ROOTS.flatMap((root) => [`default.${root}.>`, `${root}.>`])
    )
  })

  it("lets no two tenants share a subject, in any mode", () => {
    const tenants = [DEFAULT_TENANT, acme, slug("acme-2"), slug("a"), slug("events-of-acme")]
    for (const mode of ["prefixed", "legacy", "both"] as const) {
      const owned = tenants.map((tenant) => tenantStreamConfig({ tenant, mode, limits })?.subjects ?? [])
      const samples = owned.flat().map((pattern) => pattern.replace(/>$/, "x.y"))
      for (const sample of samples) {
        const owners = owned.filter((patterns) => patterns.some((pattern) => subjectMatches(pattern, sample)))
        assert.lengthOf(owners, 1, `${sample} in mode ${mode}`)
      }
    }
  })
})
