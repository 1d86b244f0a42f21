import { spawn, spawnSync } from "node:child_process"
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { removePostgresFolder, waitUntil } from "@bulkhead/devstack"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"

const entry = (name: string) => fileURLToPath(new URL(`../src/${name}.ts`, import.meta.url))

const run = (name: string, args: ReadonlyArray<string>) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const child = spawn(process.execPath, ["--conditions=@bulkhead/source", entry(name), ...args])
      let output = ""
      for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (output += text))
      const ended = new Promise<number | null>((resolve) => child.once("close", resolve))
      return { child, output: () => output, ended: Effect.promise(() => ended) }
    }),
    ({ child, ended }) => {
      child.kill("SIGTERM")
      return ended
    }
  )

const temporaryFolder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "bulkhead-dev-test-"))),
  (folder) =>
    Effect.sync(() => {
      removePostgresFolder(join(folder, "postgres"))
      rmSync(folder, { recursive: true, force: true })
    })
)

/** Rows of acme in the first table that has some: the fourth column from the right. */
const rowsOf = (output: string): number =>
  output
    .split("\n")
    .filter((line) => line.startsWith("acme "))
    .map((line) => Number(line.split(/ {2,}/).at(-4)?.replaceAll(" ", "")))
    .find((rows) => rows > 0) ?? 0

const awaitRows = (platform: { readonly output: () => string }) =>
  waitUntil(
    "rows of acme in the table",
    Effect.sync(() => rowsOf(platform.output()) > 0),
    "60 seconds"
  )

/** Processes of a platform: servers name their data folder, wherever it is; services are known by their pid files. */
const leftIn = (folder: string): ReadonlyArray<string> => {
  const { stdout } = spawnSync("ps", ["-eo", "pid=,args="], { encoding: "utf8" })
  const pids = ["account-signer.pid", "core.pid", "poller.pid"].flatMap((name) =>
    existsSync(join(folder, name)) ? [readFileSync(join(folder, name), "utf8")] : []
  )
  const data = join(folder, "postgres", "data")
  const marks = [`${folder}/`, existsSync(data) ? realpathSync(data) : data]
  return stdout
    .split("\n")
    .filter((line) => marks.some((mark) => line.includes(mark)) || pids.includes(line.trim().split(" ")[0] ?? ""))
}

describe("smoke", () => {
  it.live.each([[], ["--tls", "--shared"]])(
    "finds rows of its own and none of another's for every demo tenant %s",
    (args) =>
      Effect.gen(function* () {
        const smoke = yield* run("smoke", args)
        assert.strictEqual(yield* smoke.ended, 0, smoke.output())
        assert.match(
          smoke.output(),
          /acme: \d+ rows of its own, 0 of others\nglobex: .*\ninitech: .*\nisolation canary: every wall held\nsmoke ok\n$/
        )
      }),
    120_000
  )
})

describe("prove", () => {
  it.live(
    "finds no way from one demo tenant to another",
    () =>
      Effect.gen(function* () {
        const prove = yield* run("prove", [])
        assert.strictEqual(yield* prove.ended, 0, prove.output())
        assert.match(prove.output(), /\d tenants, 0 leaks, 0 warnings\n$/)
      }),
    120_000
  )
})

describe("npm run dev", () => {
  it.live(
    "leaves nothing behind after Ctrl-C, keeps data, and forgets it with --reset",
    () =>
      Effect.gen(function* () {
        const folder = yield* temporaryFolder
        const once = (args: ReadonlyArray<string>) =>
          Effect.scoped(
            Effect.gen(function* () {
              const platform = yield* run("main", ["--folder", folder, "--traffic", "50", ...args])
              yield* awaitRows(platform)
              const second = yield* run("main", ["--folder", folder])
              assert.strictEqual(yield* second.ended, 1)
              assert.match(second.output(), /already runs in .*Stop that one, or give another folder/)
              platform.child.kill("SIGINT")
              assert.strictEqual(yield* platform.ended, 130, platform.output())
              assert.deepStrictEqual(leftIn(folder), [])
              assert.isFalse(existsSync(join(folder, "lock")))
              return rowsOf(platform.output())
            })
          )
        const first = yield* once([])
        const kept = yield* once([])
        assert.isAbove(kept, first)
        assert.isBelow(yield* once(["--reset"]), kept)
      }),
    180_000
  )

  it.live(
    "takes over from a platform that was killed",
    () =>
      Effect.gen(function* () {
        const folder = yield* temporaryFolder
        const killed = yield* run("main", ["--folder", folder])
        yield* awaitRows(killed)
        killed.child.kill("SIGKILL")
        yield* killed.ended
        const left = leftIn(folder).length
        assert.isAtLeast(left, 4)
        const next = yield* run("main", ["--folder", folder])
        yield* awaitRows(next)
        next.child.kill("SIGINT")
        assert.strictEqual(yield* next.ended, 130, next.output())
        assert.deepStrictEqual(leftIn(folder), [])
      }),
    120_000
  )

  it.live.each([
    [["--nonsense"], /Unknown option '--nonsense'[\s\S]*--reset/],
    [["--traffic", "lots"], /--traffic "lots" is not a number above 0/],
    [["--layout", "odd"], /--layout "odd" is none of per-tenant, shared/],
    [["extra"], /Unexpected argument 'extra'/]
  ] as const)("refuses %j with the usage", ([args, text]) =>
    Effect.gen(function* () {
      const platform = yield* run("main", args)
      assert.strictEqual(yield* platform.ended, 1)
      assert.match(platform.output(), text)
    })
  )
})
