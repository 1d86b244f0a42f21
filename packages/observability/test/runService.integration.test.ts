import { spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import { freePort, waitUntil } from "@bulkhead/devstack"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"

const fixture = fileURLToPath(new URL("fixtures/service.ts", import.meta.url))

const start = Effect.fnUntraced(function* (mode: string, variables: Record<string, string> = {}) {
  const port = yield* freePort
  const service = yield* Effect.acquireRelease(
    Effect.sync(() => {
      const env = { PATH: process.env.PATH, MODE: mode, OPS_PORT: String(port), ...variables }
      const child = spawn(process.execPath, ["--conditions=@bulkhead/source", fixture], { env })
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
  const ready = Effect.promise(() =>
    fetch(`http://127.0.0.1:${port}/readyz`).then(
      (response) => response.status,
      () => 0
    )
  )
  return {
    ...service,
    ready,
    awaitReady: (status: number) =>
      waitUntil(
        `status ${status}`,
        Effect.map(ready, (now) => now === status)
      )
  }
})

const messages = (lines: ReadonlyArray<string>) => lines.map((line) => (JSON.parse(line) as { msg: string }).msg)

describe("runService", () => {
  it.live("answers 503 while its layer is being built, and 200 afterwards", () =>
    Effect.gen(function* () {
      const service = yield* start("slow")
      yield* service.awaitReady(503)
      yield* service.awaitReady(200)
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

  it.live("says which log level is allowed, and exits with 1", () =>
    Effect.gen(function* () {
      const service = yield* start("normal", { LOG_LEVEL: "loud" })
      assert.strictEqual(yield* service.ended, 1)
      assert.match(service.lines().join("\n"), /LOG_LEVEL/)
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
