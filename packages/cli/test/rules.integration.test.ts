/** Rules from the command line, against a core. */
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { startCore } from "@bulkhead/core/testing"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { coreAt, startCli } from "./cliHarness.ts"

const model = (value: string) =>
  JSON.stringify({
    nodes: [
      { id: "in", name: "message", type: "inputNode" },
      {
        id: "set",
        name: "set",
        type: "expressionNode",
        content: { expressions: [{ id: "1", key: "mark", value }] }
      },
      { id: "out", name: "result", type: "outputNode" }
    ],
    edges: [
      { id: "1", sourceId: "in", targetId: "set" },
      { id: "2", sourceId: "set", targetId: "out" }
    ]
  })

describe("rules", () => {
  it.live("are tried, put, ordered, disabled, rolled back and deleted; what is wrong is said", () =>
    Effect.gen(function* () {
      const core = yield* startCore()
      const { ok, json, run, folder } = yield* startCli(coreAt(core.url))
      yield* ok("tenants", "create", "acme", "--name", "Acme")
      const file = join(folder, "mark.json")
      writeFileSync(file, model("level + 1"))
      const args = ["acme", "mark", "--file", file]

      assert.strictEqual(
        yield* ok("rules", "validate", "acme", "--file", file, "--message", '{"level":3}'),
        '{"level":3,"mark":4}'
      )
      assert.include(yield* ok("rules", "put", ...args, "--group", "syslog", "--dry-run"), "dry run")
      assert.strictEqual(
        yield* ok("rules", "put", ...args, "--group", "syslog"),
        'Rule "mark" is at revision 1, enabled; in force'
      )
      writeFileSync(file, model("level + 2"))
      assert.deepInclude(yield* json("rules", "put", ...args, "--description", "Marks"), { revision: 2 })
      assert.match(yield* ok("rules", "show", "acme", "mark"), /^ +2 +overlay +\S+ +in force$/m)
      assert.match(
        yield* ok("rules", "list", "acme"),
        /^syslog +logs.syslog +json +strip_full_message, cef_severity, mark$/m
      )
      assert.match(yield* ok("rules", "disable", "acme", "mark"), /disabled/)
      assert.match(yield* ok("rules", "enable", "acme", "mark"), /enabled/)
      assert.match(yield* ok("rules", "rollback", "acme", "mark", "1"), /revision 1/)
      assert.match(yield* ok("rules", "order", "acme", "syslog", "mark"), /^syslog +logs.syslog +json +mark$/m)
      assert.include(
        yield* ok("rules", "validate", "acme", "--subject", "logs.syslog", "--message", '{"level":3}'),
        '"mark":4'
      )

      const refused: ReadonlyArray<readonly [ReadonlyArray<string>, RegExp]> = [
        [["validate", "acme", "--rule", "mark", "--message", "{"], /1 of 1 messages/],
        [["validate", "acme", "--rule", "mark"], /no message/],
        [["validate", "acme", "--message", "{}"], /--file, --rule and --subject/],
        [["show", "acme", "nothing"], /no rule "nothing"/],
        [["rollback", "acme", "mark", "9"], /no revision "mark@9"/],
        [["delete", "acme", "mark"], /Add --yes/],
        [["put", "acme", "mark", "--file", join(folder, "absent")], /cannot be read/]
      ]
      for (const [command, said] of refused) {
        const { exit, stderr } = yield* run(["rules", ...command])
        assert.isAbove(exit, 0, command.join(" "))
        assert.match(stderr, said)
      }
      writeFileSync(file, "{}")
      assert.match((yield* run(["rules", "put", ...args])).stderr, /is no rule: .*nodes/)
      assert.notInclude(yield* ok("rules", "delete", "acme", "mark", "--yes"), "mark")
    })
  )
})
