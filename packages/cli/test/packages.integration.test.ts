import { execFileSync } from "node:child_process"
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { startPlatform } from "@bulkhead/core/testing"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { coreAt, startCli } from "./cliHarness.ts"

const HUB = "tls://hub.example.com:7422"

describe("packages", () => {
  it.live("are issued once for a site, listed, and revoked", () =>
    Effect.gen(function* () {
      const platform = yield* startPlatform()
      const { ok, json, run, folder } = yield* startCli(coreAt(platform.url))
      yield* ok("tenants", "create", "acme", "--name", "Acme", "--plan", "free")
      const [file, ca] = [join(folder, "berlin.tar.gz"), join(folder, "ca.pem")]
      writeFileSync(ca, "-----BEGIN CERTIFICATE-----\n")
      const issue = (site: string, out: string, ...more: ReadonlyArray<string>) =>
        ["packages", "issue", "acme", site, "--out", out, ...more] as const
      const secured = ["--hub", HUB, "--ca", ca] as const

      assert.match((yield* run(issue("Berlin 1", file, ...secured))).stderr, /2 to 32 lower-case letters/)
      assert.match((yield* run(issue("berlin", file, "--hub", HUB))).stderr, /--ca is missing, and --hub "tls:/)
      assert.deepStrictEqual(yield* json("packages", "list", "acme"), [])
      assert.isFalse(existsSync(file))

      assert.match(
        yield* ok(...issue("berlin", file, ...secured)),
        /^Site "berlin" of tenant "acme": .* It holds secrets$/
      )
      assert.strictEqual(statSync(file).mode & 0o777, 0o600)
      execFileSync("tar", ["-xzf", file, "-C", folder])
      const unpacked = (name: string) => readFileSync(join(folder, "acme-berlin", name), "utf8")
      assert.match(unpacked("leaf.creds"), /BEGIN NATS USER JWT/)
      assert.include(unpacked("leaf.conf"), HUB)
      // The plan's limit of a message.
      assert.include(unpacked("leaf.conf"), "max_payload: 262144")

      const again = yield* run(issue("berlin", join(folder, "again.tar.gz"), ...secured))
      assert.deepInclude(again, { exit: 1 })
      assert.match(again.stderr, /has a package that is good until .*bulkhead packages revoke acme berlin/)

      assert.match(yield* ok("packages", "list", "acme"), /^berlin +issued /m)
      yield* ok("packages", "revoke", "acme", "berlin", "--yes")
      assert.match(yield* ok("packages", "list", "acme"), /^berlin +revoked /m)
      assert.match((yield* run(["packages", "revoke", "acme", "berlin", "--yes"])).stderr, /no package that is good/)
      assert.deepInclude(yield* run(issue("berlin", file, ...secured)), { exit: 2 })
      yield* ok(...issue("berlin", join(folder, "second.tar.gz"), ...secured))
    })
  )
})
