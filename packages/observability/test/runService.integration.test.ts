import { spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import { freePort, waitUntil } from "@bulkhead/devstack"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { startCollector } from "./fixtures/collector.ts"

const fixture = fileURLToPath(new URL("fixtures/service.ts", import.meta.url))

const start = Effect.fnUntraced(function* (
  mode: string,
  variables: Record<string, string> = {},
  program: string = fixture
) {
  const port = yield* freePort
  const service = yield* Effect.acquireRelease(
    Effect.sync(() => {
      const env = { PATH: process.env.PATH, MODE: mode, OPS_PORT: String(port), ...variables }
      const child = spawn(process.execPath, ["--conditions=@bulkhead/source", program], { env })
      let output = ""
      for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (output += text))
      const ended = new Promise<number | null>((resolve) => child.once("close", resolve))
      return {
        child,
        ended: Effect.promise(() => ended),
        lines: () => output.split("\n").filter((line) => line !== "")
      }
    }),
    ({ child, ended }) => {
      child.kill("SIGKILL")
      return ended
    }
  )
  /** Status and body; status 0 while nobody listens. */
  const readiness = Effect.promise(() =>
    fetch(`http://127.0.0.1:${port}/readyz`).then(
      async (response) => ({ status: response.status, text: await response.text() }),
      () => ({ status: 0, text: "" })
    )
  )
  return {
    ...service,
    port,
    readiness,
    awaitReady: (status: number) =>
      waitUntil(
        `status ${status}`,
        Effect.map(readiness, (now) => now.status === status)
      )
  }
})

const messages = (lines: ReadonlyArray<string>) => lines.map((line) => (JSON.parse(line) as { msg: string }).msg)

describe("runService", () => {
  it.live("answers 503 while its layer is being built, and 200 afterwards", () =>
    Effect.gen(function* () {
      const service = yield* start("slow")
      yield* service.awaitReady(503)
      assert.include((yield* service.readiness).text, '"process":"starting"')
      yield* service.awaitReady(200)
    })
  )

  it.live("closes what is half built when it is stopped while starting", () =>
    Effect.gen(function* () {
      const service = yield* start("building")
      yield* service.awaitReady(503)
      service.child.kill("SIGTERM")
      assert.strictEqual(yield* service.ended, 130)
      assert.deepStrictEqual(messages(service.lines()), ["half-built closed"])
    })
  )

  it.live("is not ready any more while it closes", () =>
    Effect.gen(function* () {
      const service = yield* start("hangs")
      yield* service.awaitReady(200)
      service.child.kill("SIGTERM")
      yield* service.awaitReady(503)
      assert.include((yield* service.readiness).text, '"process":"stopping"')
    })
  )

  it.live.each(["SIGTERM", "SIGINT"] as const)("closes in reverse order on %s and exits with 130", (signal) =>
    Effect.gen(function* () {
      const service = yield* start("normal")
      yield* service.awaitReady(200)
      service.child.kill(signal)
      assert.strictEqual(yield* service.ended, 130)
      assert.deepStrictEqual(messages(service.lines()), [
        "first opened",
        "second opened",
        "started",
        "stopping",
        "second closed",
        "first closed"
      ])
    })
  )

  it.live("logs a foreseen failure as one line without stack and secret, and exits with 1", () =>
    Effect.gen(function* () {
      const service = yield* start("fails")
      assert.strictEqual(yield* service.ended, 1)
      assert.lengthOf(service.lines(), 1)
      const line = JSON.parse(service.lines()[0] ?? "{}") as Record<string, unknown>
      assert.deepInclude(line, {
        level: 60,
        service: "fixture",
        msg: "the dependency at nats://<redacted>@host is wrong: set NATS_URL"
      })
      assert.notProperty(line, "err")
    })
  )

  it.live("logs a bug with its stack, once", () =>
    Effect.gen(function* () {
      const service = yield* start("dies")
      assert.strictEqual(yield* service.ended, 1)
      assert.lengthOf(service.lines(), 1)
      assert.match(service.lines()[0] ?? "", /"stack":"Error: a bug.*"msg":"a bug"/)
    })
  )

  it.live.each([
    ["LOG_LEVEL", "loud", /^LOG_LEVEL="loud": Expected "trace" \| "debug" .*Correct it and start again$/],
    ["LOG_FORMAT", "xml", /^LOG_FORMAT="xml": Expected "json" \| "pretty"\. Correct it/]
  ] as const)("says in one line what %s=%s should be, before there is a log", ([name, value, line]) =>
    Effect.gen(function* () {
      const service = yield* start("normal", { [name]: value })
      assert.strictEqual(yield* service.ended, 1)
      assert.lengthOf(service.lines(), 1)
      assert.match(service.lines()[0] ?? "", line)
    })
  )

  it.live.each([
    ["OPS_PORT", "99999", "65535"],
    ["SHUTDOWN_TIMEOUT_MS", "soon", "number"],
    ["OTEL_EXPORTER_OTLP_ENDPOINT", "collector", "URL"]
  ] as const)("logs in one line what %s=%s should be", ([name, value, expected]) =>
    Effect.gen(function* () {
      const service = yield* start("normal", { [name]: value })
      assert.strictEqual(yield* service.ended, 1)
      const [message, ...others] = messages(service.lines())
      assert.isEmpty(others)
      assert.match(message ?? "", new RegExp(`^${name}="${value}": .*${expected}.*Correct it and start again$`))
    })
  )

  it.live("names the setting that is missing", () =>
    Effect.gen(function* () {
      const service = yield* start("unset")
      assert.strictEqual(yield* service.ended, 1)
      assert.deepStrictEqual(messages(service.lines()), [
        "FIXTURE_FILE is not set: Expected string. Set it and start again"
      ])
    })
  )

  it.live("shows no secret setting that is wrong", () =>
    Effect.gen(function* () {
      const service = yield* start("unset", { FIXTURE_FILE: "x", FIXTURE_TOKEN: "s3cr3t" })
      assert.strictEqual(yield* service.ended, 1)
      assert.lengthOf(service.lines(), 1)
      assert.include(service.lines()[0] ?? "", "FIXTURE_TOKEN")
      assert.notInclude(service.lines()[0] ?? "", "s3cr3t")
    })
  )

  it.live("fails on a taken OPS_PORT with one line that names it", () =>
    Effect.gen(function* () {
      const first = yield* start("normal")
      yield* first.awaitReady(200)
      const second = yield* start("normal", { OPS_PORT: String(first.port) })
      assert.strictEqual(yield* second.ended, 1)
      assert.lengthOf(second.lines(), 1)
      assert.match(second.lines()[0] ?? "", new RegExp(`127.0.0.1:${first.port}.*OPS_PORT`))
    })
  )

  it.live.each([
    ["debug", ["debug", "info", "warning", "started"]],
    ["info", ["info", "warning", "started"]],
    ["warn", ["warning"]],
    ["error", []]
  ] as const)("logs from LOG_LEVEL=%s on", ([level, wanted]) =>
    Effect.gen(function* () {
      const service = yield* start("levels", { LOG_LEVEL: level })
      yield* service.awaitReady(200)
      service.child.kill("SIGTERM")
      yield* service.ended
      const logged: ReadonlyArray<string> = messages(service.lines()).filter((message) => message !== "stopping")
      assert.deepStrictEqual(logged, wanted)
    })
  )

  it.live("writes for people with LOG_FORMAT=pretty", () =>
    Effect.gen(function* () {
      const service = yield* start("normal", { LOG_FORMAT: "pretty" })
      yield* service.awaitReady(200)
      service.child.kill("SIGTERM")
      assert.strictEqual(yield* service.ended, 130)
      assert.match(service.lines().join("\n"), /INFO.*first opened[\s\S]*first closed/)
      assert.notInclude(service.lines().join("\n"), '"msg"')
    })
  )

  it.live("ends a shutdown that hangs after SHUTDOWN_TIMEOUT_MS", () =>
    Effect.gen(function* () {
      const service = yield* start("hangs", { SHUTDOWN_TIMEOUT_MS: "300" })
      yield* service.awaitReady(200)
      service.child.kill("SIGTERM")
      assert.strictEqual(yield* service.ended, 1)
      assert.match(service.lines().join("\n"), /longer than 300 ms/)
    })
  )

  it.live("ends at once on a second signal", () =>
    Effect.gen(function* () {
      const service = yield* start("hangs")
      yield* service.awaitReady(200)
      service.child.kill("SIGINT")
      yield* waitUntil(
        "stopping",
        Effect.sync(() => messages(service.lines()).includes("stopping"))
      )
      service.child.kill("SIGINT")
      assert.strictEqual(yield* service.ended, 1)
      assert.match(service.lines().join("\n"), /second signal/)
    })
  )
})

describe("examples/hello", () => {
  it.live("becomes ready, and says hello", () =>
    Effect.gen(function* () {
      const example = fileURLToPath(new URL("../examples/hello.ts", import.meta.url))
      const service = yield* start("none", {}, example)
      yield* service.awaitReady(200)
      assert.include((yield* service.readiness).text, '"database":"ok"')
      assert.include(messages(service.lines()), "hello")
    })
  )
})

describe("traces of a service", () => {
  it.live("are sent before it ends", () =>
    Effect.gen(function* () {
      const collector = yield* startCollector((response) => response.writeHead(200).end("{}"))
      const service = yield* start("traced", { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url })
      yield* service.awaitReady(200)
      service.child.kill("SIGTERM")
      assert.strictEqual(yield* service.ended, 130)
      assert.match(collector.bodies.join("\n"), /^\/v1\/traces .*the-span/)
    })
  )

  it.live("do not keep it from ending when the collector never answers", () =>
    Effect.gen(function* () {
      const collector = yield* startCollector(() => {})
      const service = yield* start("traced", { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url })
      yield* service.awaitReady(200)
      service.child.kill("SIGTERM")
      assert.strictEqual(yield* service.ended, 130)
    })
  )
})
