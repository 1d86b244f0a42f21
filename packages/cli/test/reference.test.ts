import { readFileSync } from "node:fs"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { commandReference, withReference } from "../scripts/commandReference.ts"
import { groups } from "../src/groups.ts"

describe("docs/cli.md", () => {
  it.effect("has every command as its own help describes it; npm run generate writes it anew", () =>
    Effect.gen(function* () {
      const reference = yield* commandReference
      for (const { name } of groups) assert.include(reference, `## bulkhead ${name}\n`)
      const document = readFileSync(new URL("../../../docs/cli.md", import.meta.url), "utf8")
      assert.strictEqual(document, withReference(document, reference))
    }).pipe(Effect.provide(NodeServices.layer))
  )
})
