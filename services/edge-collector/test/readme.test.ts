import { readFileSync } from "node:fs"
import { describeSettings, withSettingsTable } from "@bulkhead/settings"
import { assert, it } from "@effect/vitest"
import { edgeSettings } from "../src/EdgeConfig.ts"

it("the README has every setting as the code describes it; npm run generate writes it anew", () => {
  const document = readFileSync(new URL("../README.md", import.meta.url), "utf8")
  assert.include(document, "`EDGE_BUFFER_FOLDER`")
  assert.strictEqual(document, withSettingsTable(document, describeSettings(edgeSettings)))
})
