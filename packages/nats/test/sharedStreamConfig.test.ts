import { DEFAULT_TENANT, ROOTS, subjectMatches } from "@bulkhead/channels"
import { assert, describe, it } from "@effect/vitest"
import { sharedStreamConfig, tenantStreamConfig } from "../src/index.ts"
import { acme, slug } from "./fixtures.ts"

const limits = { maxBytes: 1_000_000, maxAgeMs: 86_400_000 }
const tenants = [slug("globex"), DEFAULT_TENANT, acme]
const unprefixed = ROOTS.map((root) => `${root}.>`)

describe("sharedStreamConfig", () => {
  it("lists each tenant once in order of slug, and unprefixed roots where the mode has any", () => {
    const prefixed = ["acme.>", "default.>", "globex.>"]
    assert.deepStrictEqual(sharedStreamConfig({ tenants, mode: "prefixed", limits }), {
      name: "events",
      subjects: prefixed,
      ...limits
    })
    assert.deepStrictEqual(sharedStreamConfig({ tenants, mode: "legacy", limits }).subjects, unprefixed)
    assert.deepStrictEqual(sharedStreamConfig({ tenants, mode: "both", limits }).subjects, [...prefixed, ...unprefixed])
  })

  it("depends on who the tenants are, and not on their order or repetition", () => {
    const shuffled = [acme, DEFAULT_TENANT, slug("globex"), acme]
    assert.deepStrictEqual(
      sharedStreamConfig({ tenants: shuffled, mode: "both", limits }),
      sharedStreamConfig({ tenants, mode: "both", limits })
    )
  })

  it("takes whatever the tenants' own streams would take, and each subject by one pattern", () => {
    for (const mode of ["prefixed", "legacy", "both"] as const) {
      const own = tenants.flatMap((tenant) => tenantStreamConfig({ tenant, mode, limits })?.subjects ?? [])
      const shared = sharedStreamConfig({ tenants, mode, limits }).subjects
      for (const sample of own.map((pattern) => pattern.replace(/>$/, "x.y"))) {
        assert.lengthOf(
          shared.filter((pattern) => subjectMatches(pattern, sample)),
          1,
          `${sample} in mode ${mode}`
        )
      }
    }
  })
})
