import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { readChecks } from "../src/Check.ts"

const fileWith = (text: string) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const folder = mkdtempSync(join(tmpdir(), "bulkhead-checks-"))
      writeFileSync(join(folder, "checks.json"), text)
      return { folder, path: join(folder, "checks.json") }
    }),
    ({ folder }) => Effect.sync(() => rmSync(folder, { recursive: true }))
  ).pipe(Effect.map(({ path }) => path))

const http = { tenant: "acme", name: "shop", type: "http", url: "http://127.0.0.1/" }
const checks = (...all: ReadonlyArray<unknown>) => JSON.stringify({ checks: all })

describe("readChecks", () => {
  it.effect("fills in what a check leaves open", () =>
    Effect.gen(function* () {
      const [check] = yield* readChecks(yield* fileWith(checks(http)))
      assert.deepInclude(check, { intervalMs: 30_000, timeoutMs: 5_000, failuresBeforeDown: 2, heartbeatMs: 60_000 })
    })
  )

  it.effect.each([
    ["{ not json", /JSON/],
    [checks({ ...http, tenant: "logs" }), /\["checks"\]\[0\]\["tenant"\]/],
    [checks(http, { ...http, name: "other", url: "ftp://x" }), /\["checks"\]\[1\]/],
    [checks({ ...http, url: "http://user:pass@host/" }), /\["checks"\]\[0\]/],
    [checks({ ...http, intervalMs: 5 }), /100/],
    [checks({ tenant: "acme", name: "db", type: "tcp", host: "h", port: 70_000 }), /65535/],
    [checks({ ...http, type: "ping" }), /\["checks"\]\[0\]/],
    [checks(http, http), /two checks are called "acme\/shop"/],
    [JSON.stringify({}), /\["checks"\]/]
  ] as const)("refuses %s with the place in the file", ([text, problem]) =>
    Effect.gen(function* () {
      const path = yield* fileWith(text)
      const error = yield* Effect.flip(readChecks(path))
      assert.include(error.message, `POLLER_CHECKS_FILE="${path}"`)
      assert.match(error.message, problem)
      assert.match(error.message, /Correct the file/)
      assert.notMatch(error.message, /\n|user:pass/)
    })
  )

  it.effect("says that a file cannot be read", () =>
    Effect.gen(function* () {
      assert.match((yield* Effect.flip(readChecks("/nowhere/checks.json"))).message, /cannot be read \(ENOENT\)/)
    })
  )
})
