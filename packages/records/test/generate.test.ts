import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { generate } from "../scripts/generate.ts"

const checkedIn = join(import.meta.dirname, "..", "src", "generated")

describe("npm run generate", () => {
  it("makes of the definitions exactly what is checked in", () => {
    const made = mkdtempSync(join(tmpdir(), "bulkhead-generated-"))
    try {
      generate(made)
      assert.deepStrictEqual(readdirSync(made).sort(), readdirSync(checkedIn).sort())
      for (const file of readdirSync(made)) {
        assert.strictEqual(readFileSync(join(made, file), "utf8"), readFileSync(join(checkedIn, file), "utf8"), file)
      }
    } finally {
      rmSync(made, { recursive: true })
    }
  })
})
