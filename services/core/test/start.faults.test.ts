import { spawn } from "node:child_process"
import { createServer } from "node:net"
import { fileURLToPath } from "node:url"
import { freePort, startNatsServer, startPostgresServer, waitUntil } from "@bulkhead/devstack"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { API_TOKEN } from "../testing/coreHarness.ts"

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url))

/** Core as a process of its own, with servers that may be stopped before it starts. */
const prepare = Effect.gen(function* () {
  const nats = yield* startNatsServer()
  const postgres = yield* startPostgresServer()
  const database = yield* postgres.createDatabase("core")
  const [port, opsPort] = [yield* freePort, yield* freePort]
  const environment = {
    NATS_URL: nats.url,
    DATABASE_URL: Redacted.value(database),
    CORE_HTTP_PORT: String(port),
    CORE_API_TOKEN: API_TOKEN,
    OPS_PORT: String(opsPort)
  }
  return { nats, postgres, port, opsPort, environment }
})

const start = (environment: Record<string, string>) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const child = spawn(process.execPath, ["--conditions=@bulkhead/source", main], {
        env: { PATH: process.env.PATH, ...environment }
      })
      let output = ""
      for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (output += text))
      const ended = new Promise<number | null>((resolve) => child.once("close", resolve))
      return { child, output: () => output, ended }
    }),
    ({ child, ended }) =>
      Effect.promise(() => {
        child.kill("SIGKILL")
        return ended
      })
  )

const ready = (opsPort: number) =>
  Effect.promise(() =>
    fetch(`http://127.0.0.1:${opsPort}/readyz`).then(
      async (response) => ({ status: response.status, text: await response.text() }),
      () => ({ status: 0, text: "" })
    )
  )

describe.each(["postgres", "nats"] as const)("%s down at start", (name) => {
  it.live("is named by /readyz, and core comes up by itself when it is there", () =>
    Effect.gen(function* () {
      const prepared = yield* prepare
      yield* prepared[name].stop
      const core = yield* start(prepared.environment)
      const dependency = name === "postgres" ? "postgresql" : "nats"
      const isNamed = Effect.map(
        ready(prepared.opsPort),
        ({ status, text }) => status === 503 && text.includes(`"${dependency}":"waiting`)
      )
      yield* waitUntil(`${dependency} is waited for`, isNamed)
      const livez = yield* Effect.promise(() => fetch(`http://127.0.0.1:${prepared.opsPort}/livez`))
      assert.strictEqual(livez.status, 200)
      yield* waitUntil(
        "a line in the log",
        Effect.sync(() => /waiting for PostgreSQL|not connected to NATS/.test(core.output()))
      )
      yield* prepared[name].start
      yield* waitUntil(
        "core is ready",
        Effect.map(ready(prepared.opsPort), ({ status }) => status === 200),
        "25 seconds"
      )
    })
  )
})

describe("PostgreSQL that never comes", () => {
  it.live("ends core with one line that names the place and no password", () =>
    Effect.gen(function* () {
      const { environment } = yield* prepare
      const nowhere = `postgres://core:hidden-pass@127.0.0.1:${yield* freePort}/core`
      const core = yield* start({ ...environment, DATABASE_URL: nowhere, DATABASE_START_TIMEOUT_MS: "500" })
      assert.strictEqual(yield* Effect.promise(() => core.ended), 1)
      const fatal = core
        .output()
        .split("\n")
        .filter((line) => line.includes('"level":60'))
      assert.lengthOf(fatal, 1)
      assert.match(fatal[0] ?? "", /did not answer within 500 ms/)
      assert.notInclude(core.output(), "hidden-pass")
    })
  )
})

describe("a taken port", () => {
  it.live.each([
    ["CORE_HTTP_PORT", "port"],
    ["OPS_PORT", "opsPort"]
  ] as const)("%s ends core with one line that names it", ([variable, key]) =>
    Effect.gen(function* () {
      const prepared = yield* prepare
      yield* Effect.acquireRelease(
        Effect.callback<ReturnType<typeof createServer>>((resume) => {
          const server = createServer()
          server.listen(prepared[key], "127.0.0.1", () => resume(Effect.succeed(server)))
        }),
        (server) => Effect.sync(() => server.close())
      )
      const core = yield* start(prepared.environment)
      assert.strictEqual(yield* Effect.promise(() => core.ended), 1)
      assert.match(core.output(), new RegExp(`127.0.0.1:${prepared[key]}.*Set ${variable} to a free port`))
    })
  )
})

describe("bad settings", () => {
  it.live.each([
    [{ CORE_API_TOKEN: "short" }, /The API token has 5 characters.*16 characters or more/],
    [{ CORE_API_TOKEN: "" }, /API token.*CORE_API_TOKEN_FILE/],
    [{ CORE_API_TOKEN_FILE: "/nowhere" }, /CORE_API_TOKEN_FILE=.*\/nowhere.*cannot be read/],
    [{ CORE_EVENT_WRITER: "off" }, /CORE_EVENT_WRITER=off leaves .* unwritten.*CORE_LAYOUT=shared/],
    [{ CORE_HTTP_PORT: "99999" }, /CORE_HTTP_PORT/],
    [{ NATS_TENANT_PREFIX_ENABLED: "perhaps" }, /NATS_TENANT_PREFIX_ENABLED.*perhaps.*true, 1, yes, on/],
    [{ DATABASE_URL: "mysql://x" }, /DATABASE_URL is no PostgreSQL URL/]
  ] as const)("%j end core with a line that says what is allowed", ([settings, text]) =>
    Effect.gen(function* () {
      const { environment } = yield* prepare
      const core = yield* start({ ...environment, ...settings })
      assert.strictEqual(yield* Effect.promise(() => core.ended), 1)
      assert.match(core.output(), text)
    })
  )
})

describe("SIGTERM", () => {
  it.live("ends core in order, with exit code 130 and nothing in the log but that", () =>
    Effect.gen(function* () {
      const prepared = yield* prepare
      const core = yield* start(prepared.environment)
      yield* waitUntil(
        "core is ready",
        Effect.map(ready(prepared.opsPort), ({ status }) => status === 200),
        "25 seconds"
      )
      core.child.kill("SIGTERM")
      assert.strictEqual(yield* Effect.promise(() => core.ended), 130)
      assert.match(core.output(), /"msg":"stopping"/)
      assert.notMatch(core.output(), /"level":[56]0/)
    })
  )
})
