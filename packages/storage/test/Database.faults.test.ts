import { mkdtempSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { startPostgresServer, waitUntil } from "@bulkhead/devstack"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Duration, Effect, Fiber, Layer, Redacted } from "effect"
import { Database, migrateControlSchema, StorageError } from "../src/index.ts"
import { applicationDatabase } from "./fixtures.ts"

const fromEnvironment = (variables: Record<string, string>) =>
  Database.layer.pipe(Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord(variables))))

const failureOf = (variables: Record<string, string>) =>
  Effect.gen(function* () {
    const error = yield* Effect.flip(Effect.scoped(Layer.build(fromEnvironment(variables))))
    assert.instanceOf(error, StorageError)
    assert.notInclude(`${error.message} ${JSON.stringify(error)} ${String(error.stack)}`, "hidden-pass")
    return error as StorageError
  })

describe("Database", () => {
  describe("PostgreSQL not there yet", () => {
    it.live("waits for it and then works", () =>
      Effect.gen(function* () {
        const server = yield* startPostgresServer()
        const url = yield* applicationDatabase(server, "late")
        yield* server.stop
        const starting = yield* Effect.forkChild(
          Effect.provide(
            Effect.andThen(
              migrateControlSchema,
              Effect.flatMap(Database, ({ isUp }) => isUp)
            ),
            fromEnvironment({ DATABASE_URL: Redacted.value(url), DATABASE_POOL_MAX: "2" })
          ),
          { startImmediately: true }
        )
        yield* server.start
        assert.isTrue(yield* Fiber.join(starting))
      })
    )

    it.live("reads the URL from a file, and says which one it cannot read", () =>
      Effect.gen(function* () {
        const file = join(mkdtempSync(join(tmpdir(), "bulkhead-url-")), "url")
        const variables = { DATABASE_URL_FILE: file, DATABASE_URL: "not this one", DATABASE_START_TIMEOUT_MS: "50" }
        assert.include((yield* failureOf(variables)).message, `DATABASE_URL_FILE="${file}" cannot be read (ENOENT)`)
        writeFileSync(file, "postgres://someone:hidden-pass@127.0.0.1:1/nowhere\n")
        assert.include((yield* failureOf(variables)).message, "127.0.0.1:1/nowhere")
      })
    )

    it.live("gives up after the time it was given and names the place, not the password", () =>
      Effect.gen(function* () {
        const error = yield* failureOf({
          DATABASE_URL: "postgres://someone:hidden-pass@127.0.0.1:1/nowhere",
          DATABASE_START_TIMEOUT_MS: "300"
        })
        assert.strictEqual(error.reason._tag, "DatabaseUnavailable")
        assert.include(error.message, "127.0.0.1:1/nowhere")
        assert.include(error.message, "300 ms")
      })
    )
  })

  describe("a wrong address", () => {
    it.live("is refused at once when it is no URL", () =>
      Effect.gen(function* () {
        for (const url of ["hidden-pass", "http://u:hidden-pass@h/d"]) {
          assert.strictEqual((yield* failureOf({ DATABASE_URL: url })).reason._tag, "DatabaseMisconfigured")
        }
      })
    )

    it.live("is refused at once when the server knows no such database", () =>
      Effect.gen(function* () {
        const server = yield* startPostgresServer()
        const error = yield* failureOf({
          DATABASE_URL: `postgres://postgres:hidden-pass@127.0.0.1:${server.port}/absent`
        })
        assert.strictEqual(error.reason._tag, "DatabaseMisconfigured")
      })
    )
  })

  describe("PostgreSQL frozen", () => {
    it.live("is not up, and up again when it goes on", () =>
      Effect.gen(function* () {
        const server = yield* startPostgresServer()
        yield* Effect.gen(function* () {
          const { sql, isUp } = yield* Database
          const [backend] = yield* sql<{ pid: number }>`select pg_backend_pid() as pid`
          const signal = (name: NodeJS.Signals) => Effect.sync(() => process.kill(backend?.pid ?? 0, name))
          yield* server.pause
          yield* signal("SIGSTOP")
          const [elapsed, up] = yield* Effect.timed(isUp)
          assert.isFalse(up)
          assert.isBelow(Duration.toMillis(elapsed), 2_000)
          yield* signal("SIGCONT")
          yield* server.resume
          yield* waitUntil("PostgreSQL is up", isUp)
        }).pipe(Effect.provide(Database.layerWith({ url: server.url() })))
      })
    )
  })
})
