import { readFileSync } from "node:fs"
import { describeSettings } from "@bulkhead/settings"
import { assert, describe, it } from "@effect/vitest"
import { referenceDocuments } from "../src/reference/documents.ts"
import { settingsTables } from "../src/reference/settings.ts"

describe("the tables of settings", () => {
  it.each([...referenceDocuments()])(
    "%s is as the code describes it; npm run generate writes it anew",
    (path, text) => {
      assert.strictEqual(readFileSync(path, "utf8"), text)
    }
  )

  it("have no setting twice", () => {
    const names = settingsTables.flatMap(({ settings }) => describeSettings(settings).map(({ name }) => name))
    const twice = names.filter((name, index) => names.indexOf(name) !== index)
    // One setting for all who write records.
    assert.deepStrictEqual(twice, ["RECORDS_LOGS"])
  })
})
