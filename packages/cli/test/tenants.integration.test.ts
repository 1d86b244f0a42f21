import { startCore } from "@bulkhead/core/testing"
import { waitUntil } from "@bulkhead/devstack"
import type { TenantSlug } from "@bulkhead/tenancy"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { coreAt, startCli } from "./cliHarness.ts"

describe("tenants list", () => {
  it.live("shows each tenant with status, plan, lag and dead letters, and the same as JSON", () =>
    Effect.gen(function* () {
      const { api, url } = yield* startCore()
      yield* api.tenants.create({ payload: { slug: "acme" as TenantSlug, name: "Acme\u001b[31m", plan: "pro" } })
      const cli = yield* startCli(coreAt(url))
      assert.match(yield* cli.ok("tenants", "list"), /^SLUG +STATUS +PLAN +LAG +DEAD LETTERS +NAME\n/)
      // A lane that has just started may not have told its figures yet.
      yield* waitUntil(
        "acme is listed with its figures",
        Effect.map(cli.ok("tenants", "list"), (text) => /^acme +active +pro +\d.* 0 +Acme\\u001b\[31m$/m.test(text))
      )
      const [acme] = (yield* cli.json("tenants", "list")).filter(({ slug }: { slug: string }) => slug === "acme")
      assert.deepInclude(acme, { status: "active", plan: "pro", deadLetters: 0, name: "Acme\u001b[31m" })
    })
  )

  it.live("tells unreachable, unauthorized and misused apart by their exit codes", () =>
    Effect.gen(function* () {
      const { url } = yield* startCore()
      const cli = yield* startCli()
      const refused = yield* cli.run(["tenants", "list"], { ...coreAt(url), BULKHEAD_TOKEN: "wrong token, but long" })
      assert.deepInclude(refused, { exit: 4, stdout: "" })
      assert.match(refused.stderr, /^bulkhead: The bearer token is missing or wrong/)
      const away = yield* cli.run(["tenants", "list"], coreAt("http://127.0.0.1:7"))
      assert.strictEqual(away.exit, 3, away.stderr)
      const none = yield* cli.run(["tenants", "list", "--json"])
      assert.strictEqual(none.exit, 2)
      assert.deepInclude(JSON.parse(none.stderr).error, { exit: 2, problem: "No context is chosen" })
    })
  )
})
