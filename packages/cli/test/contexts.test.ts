import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { startCli } from "./cliHarness.ts"

const TOKEN = "a secret that must not be seen"

const start = Effect.gen(function* () {
  const cli = yield* startCli({ BULKHEAD_TOKEN: TOKEN })
  const file = join(cli.folder, "bulkhead", "contexts.json")
  const mode = (path: string) => statSync(path).mode & 0o777
  return { ...cli, file, mode }
})

describe("context", () => {
  it.live("keeps tokens in a file of the owner alone, and shows them nowhere", () =>
    Effect.gen(function* () {
      const { ok, json, file, mode } = yield* start
      const shown = [
        yield* ok(
          "context",
          "add",
          "prod",
          "--url",
          "https://core.example.net/",
          "--nats-url",
          "tls://nats:4222",
          "--nats-creds",
          "p.creds"
        ),
        yield* ok("context", "add", "dev", "--url", "http://127.0.0.1:8080"),
        yield* ok("context", "list"),
        yield* ok("context", "list", "--json"),
        yield* ok("context", "use", "dev")
      ]
      assert.notInclude(shown.join("\n"), TOKEN)
      assert.include(readFileSync(file, "utf8"), TOKEN)
      assert.strictEqual(mode(file), 0o600)
      assert.strictEqual(mode(join(file, "..")), 0o700)
      const [prod, dev] = yield* json("context", "list")
      assert.deepInclude(prod, { name: "prod", isCurrent: false, url: "https://core.example.net", hasToken: true })
      assert.strictEqual(prod.nats.credsFile, join(process.cwd(), "p.creds"))
      assert.deepInclude(dev, { name: "dev", isCurrent: true })
    })
  )

  it.live("reads a token from a file, and forgets it with its context", () =>
    Effect.gen(function* () {
      const { folder, ok, file } = yield* start
      writeFileSync(join(folder, "token"), "the token of a file\n")
      yield* ok("context", "add", "dev", "--url", "http://127.0.0.1:1", "--token-file", join(folder, "token"))
      assert.include(readFileSync(file, "utf8"), '"the token of a file"')
      yield* ok("context", "remove", "dev", "--yes")
      assert.deepEqual(JSON.parse(readFileSync(file, "utf8")), { version: 1, contexts: {} })
    })
  )

  it.live("refuses a file that others can read, without reading it", () =>
    Effect.gen(function* () {
      const { run, ok, file } = yield* start
      yield* ok("context", "add", "dev", "--url", "http://127.0.0.1:8080")
      for (const mode of [0o640, 0o604, 0o660]) {
        chmodSync(file, mode)
        for (const args of [
          ["context", "list"],
          ["tenants", "list"],
          ["context", "use", "dev"]
        ]) {
          const { exit, stderr } = yield* run(args)
          assert.strictEqual(exit, 2)
          assert.match(stderr, /holds tokens and has mode 6[046]{2}: others can read it. Run: chmod 600 /)
        }
      }
    })
  )

  it.live("does not quote a file that it cannot understand", () =>
    Effect.gen(function* () {
      const { run, ok, file } = yield* start
      yield* ok("context", "add", "dev", "--url", "http://127.0.0.1:8080")
      for (const text of [`{"version":2,"token":"${TOKEN}"}`, `${TOKEN} {`, ""]) {
        writeFileSync(file, text)
        const { exit, stderr } = yield* run(["tenants", "list"])
        assert.strictEqual(exit, 2)
        assert.match(stderr, /does not hold contexts of this version/)
        assert.notInclude(stderr, TOKEN)
      }
    })
  )

  it.live("warns of a token that would travel in clear text", () =>
    Effect.gen(function* () {
      const { run } = yield* start
      const far = yield* run(["context", "add", "far", "--url", "http://core.example.net"])
      assert.match(far.stderr, /"http:\/\/core\.example\.net" is not https/)
      const near = yield* run(["context", "add", "near", "--url", "http://127.0.0.1:8080"])
      assert.strictEqual(near.stderr, "")
    })
  )

  it.live("writes nothing when what it is given cannot be used", () =>
    Effect.gen(function* () {
      const { run, file } = yield* start
      const refused: ReadonlyArray<readonly [ReadonlyArray<string>, RegExp]> = [
        [["no name", "--url", "http://a"], /"no name" is no name for a context/],
        [["../../x", "--url", "http://a"], /is no name/],
        [["x".repeat(65), "--url", "http://a"], /64 at most/],
        [["a", "--url", "core:8080"], /"core:8080" is no URL of this kind. Give https:/],
        [["a", "--url", "nats://a"], /Give https:/],
        [["a", "--url", "https://user:secret@a"], /The URL of "a" holds a secret/],
        [["a", "--url", "http://a", "--nats-url", "http://a"], /Give nats:/],
        [["a", "--url", "http://a", "--nats-creds", "f"], /no --nats-url/],
        [["a", "--url", "http://a", "--token-file", "/nowhere"], /"\/nowhere" cannot be read/],
        [["a", "--url", "http://a", "--token-file", "/dev/null"], /The token is empty/],
        [["a"], /Missing required flag: --url/]
      ]
      for (const [args, text] of refused) {
        const { exit, stderr, stdout } = yield* run(["context", "add", ...args])
        assert.match(stderr, text)
        assert.notInclude(stderr, "secret@")
        assert.deepEqual([exit, stdout], [2, ""], stderr)
        assert.isFalse(existsSync(file))
      }
    })
  )

  it.live("asks before it forgets, and where nobody can be asked wants --yes", () =>
    Effect.gen(function* () {
      const { run, ok } = yield* start
      yield* ok("context", "add", "constructor", "--url", "http://127.0.0.1:1")
      const { exit, stderr } = yield* run(["context", "remove", "constructor"])
      assert.strictEqual(exit, 2)
      assert.match(stderr, /there is no terminal. Add --yes/)
      const unknown = yield* run(["context", "remove", "toString", "--yes"])
      assert.match(unknown.stderr, /There is no context "toString"/)
    })
  )
})

describe("the current context", () => {
  it.live("is the one of --context, then of the environment, then the chosen one", () =>
    Effect.gen(function* () {
      const { run, ok } = yield* start
      yield* ok("context", "add", "one", "--url", "http://127.0.0.1:11111")
      yield* ok("context", "add", "two", "--url", "http://127.0.0.1:22222")
      const asked = (args: ReadonlyArray<string>, environment: Record<string, string> = {}) =>
        Effect.map(run(["tenants", "list", ...args], environment), ({ exit, stderr }) => {
          assert.strictEqual(exit, 3, stderr)
          return /Core at "([^"]*)"/.exec(stderr)?.[1]
        })
      assert.strictEqual(yield* asked([]), "http://127.0.0.1:11111")
      assert.strictEqual(yield* asked([], { BULKHEAD_CONTEXT: "two" }), "http://127.0.0.1:22222")
      const environment = { BULKHEAD_URL: "http://127.0.0.1:33333", BULKHEAD_CONTEXT: "two" }
      assert.strictEqual(yield* asked([], environment), "http://127.0.0.1:33333")
      assert.strictEqual(yield* asked(["--context", "one"], environment), "http://127.0.0.1:11111")
      const unknown = yield* run(["tenants", "list", "--context", "three"])
      assert.match(unknown.stderr, /There is no context "three" \(there are: one, two\)/)
      assert.strictEqual(unknown.exit, 2)
    })
  )
})
