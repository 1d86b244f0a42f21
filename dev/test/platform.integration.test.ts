import { spawn, spawnSync } from "node:child_process"
import { existsSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from "node:fs"
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

/** The cell of acme below a column's title, in the first table that has a figure there. */
const cellOf = (output: string, title: string): number => {
  let column = -1
  for (const line of output.split("\n")) {
    const cells = line.split(/ {2,}/)
    if (cells.includes(title)) column = cells.indexOf(title)
    const figure = Number(line.startsWith("acme ") ? cells[column]?.replaceAll(" ", "") : 0)
    if (figure > 0) return figure
  }
  return 0
}
/** What stood in the database when somebody first looked. */
const rowsOf = (output: string): number => cellOf(output, "ocsf_events")

const awaitRows = (platform: { readonly output: () => string }) =>
  waitUntil(
    "rows of acme in the table",
    Effect.sync(() => rowsOf(platform.output()) > 0),
    "120 seconds"
  )

/** Processes of a platform: servers name their data folder, wherever it is; services are known by their pid files. */
const leftIn = (folder: string): ReadonlyArray<string> => {
  const { stdout } = spawnSync("ps", ["-eo", "pid=,args="], { encoding: "utf8" })
  const pids = readdirSync(folder)
    .filter((name) => name.endsWith(".pid"))
    .map((name) => readFileSync(join(folder, name), "utf8"))
  const data = join(folder, "postgres", "data")
  const marks = [`${folder}/`, existsSync(data) ? realpathSync(data) : data]
  return stdout
    .split("\n")
    .filter((line) => marks.some((mark) => line.includes(mark)) || pids.includes(line.trim().split(" ")[0] ?? ""))
}

describe("smoke", () => {
  it.live.each([[], ["--tls", "--shared"]])(
    "finds rows of its own of each kind, and none of another's, for every demo tenant %s",
    (args) =>
      Effect.gen(function* () {
        const smoke = yield* run("smoke", args)
        assert.strictEqual(yield* smoke.ended, 0, smoke.output())
        assert.match(
          smoke.output(),
          /acme: \d+ events, .* traps, .* OTLP traces.* of its own, 0 rows of others\nglobex: .*\ninitech: .*\nisolation canary: every wall held\nsmoke ok\n$/
        )
      }),
    240_000
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
    240_000
  )
})

describe("npm run dev", () => {
  it.live(
    "takes over from one that was killed, leaves nothing behind after Ctrl-C, keeps data, and forgets it with --reset",
    () =>
      Effect.gen(function* () {
        const folder = yield* temporaryFolder
        const start = Effect.fnUntraced(function* (args: ReadonlyArray<string>) {
          const platform = yield* run("main", ["--folder", folder, "--traffic", "50", ...args])
          yield* awaitRows(platform)
          return platform
        })
        const untilCtrlC = Effect.fnUntraced(function* (args: ReadonlyArray<string>) {
          const platform = yield* start(args)
          platform.child.kill("SIGINT")
          assert.strictEqual(yield* platform.ended, 130, platform.output())
          assert.deepStrictEqual(leftIn(folder), [])
          assert.isFalse(existsSync(join(folder, "lock")))
          return rowsOf(platform.output())
        })
        const killed = yield* start([])
        const second = yield* run("main", ["--folder", folder])
        assert.strictEqual(yield* second.ended, 1)
        assert.match(second.output(), /already runs in .*Stop that one, or give another folder/)
        killed.child.kill("SIGKILL")
        yield* killed.ended
        assert.isAtLeast(leftIn(folder).length, 4)
        const afterKill = yield* untilCtrlC([])
        assert.isAbove(afterKill, rowsOf(killed.output()))
        const kept = yield* untilCtrlC([])
        assert.isAbove(kept, afterKill)
        assert.isBelow(yield* untilCtrlC(["--reset"]), kept)
      }),
    600_000
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
