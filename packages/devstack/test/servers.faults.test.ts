import { spawn, spawnSync } from "node:child_process"
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { connect } from "@nats-io/transport-node"
import { Effect, Exit, Fiber, Layer } from "effect"
import {
  freePort,
  type RunningPostgresServer,
  removePostgresFolder,
  startNatsServer,
  startPostgresServer,
  waitUntil
} from "../src/index.ts"

/** A folder that only its owner can enter, as `mktemp -d` makes them. */
const privateFolder = Effect.acquireRelease(
  Effect.sync(() => {
    const folder = mkdtempSync(join(tmpdir(), "bulkhead-private-"))
    chmodSync(folder, 0o700)
    return folder
  }),
  (folder) =>
    Effect.sync(() => {
      removePostgresFolder(join(folder, "postgres"))
      rmSync(folder, { recursive: true, force: true })
    })
)

const select = (server: RunningPostgresServer, text: string) =>
  Effect.flatMap(PgClient.PgClient, (sql) => sql.unsafe<{ n: number }>(text)).pipe(
    Effect.provide(PgClient.layer({ url: server.url(), maxConnections: 1 }))
  )

interface Left {
  readonly nats: number
  readonly natsFolder: string
  readonly postgres: number
  readonly dataFolder: string
}

/** Whether a process still runs the server of this folder; one that has ended but was not waited for does not. */
const isRunning = (pid: number, folder: string): boolean => {
  const { stdout } = spawnSync("ps", ["-o", "args=", "-p", String(pid)], { encoding: "utf8" })
  return stdout.includes(folder)
}

describe("a folder that only its owner can enter", () => {
  it.live("keeps its data from one start to the next, until it is removed", () =>
    Effect.gen(function* () {
      const folder = join(yield* privateFolder, "postgres")
      yield* Effect.scoped(
        Effect.gen(function* () {
          const server = yield* startPostgresServer({ folder })
          yield* select(server, "create table kept (n int)")
          yield* select(server, "insert into kept values (1)")
        })
      )
      yield* Effect.scoped(
        Effect.gen(function* () {
          const server = yield* startPostgresServer({ folder })
          assert.deepStrictEqual(yield* select(server, "select n from kept"), [{ n: 1 }])
        })
      )
      removePostgresFolder(folder)
      yield* Effect.scoped(
        Effect.gen(function* () {
          const server = yield* startPostgresServer({ folder })
          yield* Effect.flip(select(server, "select n from kept"))
        })
      )
    })
  )
})

describe("a taken port", () => {
  it.live("is an error that names it", () =>
    Effect.gen(function* () {
      const port = yield* freePort
      yield* Effect.acquireRelease(
        Effect.callback<ReturnType<typeof createServer>>((resume) => {
          const server = createServer()
          server.listen(port, "127.0.0.1", () => resume(Effect.succeed(server)))
        }),
        (server) => Effect.sync(() => server.close())
      )
      const starts = [Effect.asVoid(startNatsServer({ port })), Effect.asVoid(startPostgresServer({ port }))]
      for (const start of starts) {
        const error = yield* Effect.flip(Effect.scoped(start))
        assert.include(error.message, `port ${port} on 127.0.0.1 is taken`)
      }
    })
  )
})

describe("servers that a killed parent left behind", () => {
  it.live("are stopped before the next start in the same folder, which finds their data", () =>
    Effect.gen(function* () {
      const folder = yield* privateFolder
      const fixture = fileURLToPath(new URL("fixtures/startAndHang.ts", import.meta.url))
      const parent = spawn(process.execPath, ["--conditions=@bulkhead/source", fixture, folder], { stdio: "ignore" })
      const pids = join(folder, "pids.json")
      yield* waitUntil(
        "both servers run",
        Effect.sync(() => existsSync(pids))
      )
      const left = JSON.parse(readFileSync(pids, "utf8")) as Left
      parent.kill("SIGKILL")
      yield* waitUntil(
        "the parent is gone",
        Effect.sync(() => parent.signalCode !== null)
      )
      assert.isTrue(isRunning(left.nats, left.natsFolder) && isRunning(left.postgres, left.dataFolder))
      yield* startNatsServer({ folder: join(folder, "nats") })
      const postgres = yield* startPostgresServer({ folder: join(folder, "postgres") })
      assert.isFalse(isRunning(left.nats, left.natsFolder) || isRunning(left.postgres, left.dataFolder))
      assert.deepStrictEqual(yield* select(postgres, "select n from kept"), [{ n: 7 }])
    })
  )
})

describe("a paused server", () => {
  it.live("answers nothing until it goes on", () =>
    Effect.gen(function* () {
      const server = yield* startNatsServer()
      const connection = yield* Effect.acquireRelease(
        Effect.promise(() => connect({ servers: server.url })),
        (open) => Effect.promise(() => open.close())
      )
      yield* server.pause
      const flush = connection.flush().then(() => "answered" as const)
      const first = yield* Effect.promise(() =>
        Promise.race([flush, new Promise<"silent">((resolve) => setTimeout(() => resolve("silent"), 300))])
      )
      assert.strictEqual(first, "silent")
      yield* server.resume
      assert.strictEqual(yield* Effect.promise(() => flush), "answered")
    })
  )
})

describe("a paused server with child processes", () => {
  it.live("answers nothing on connections that it has, and nothing stays frozen when it is killed", () =>
    Effect.gen(function* () {
      const server = yield* startPostgresServer()
      const sql = yield* Effect.provide(
        PgClient.PgClient,
        yield* Layer.build(PgClient.layer({ url: server.url(), maxConnections: 1 }))
      )
      const [backend] = yield* sql<{ pid: number }>`select pg_backend_pid() as pid`
      yield* server.pause
      const answer = yield* Effect.forkChild(Effect.exit(sql`select 1`), { startImmediately: true })
      yield* Effect.sleep("300 millis")
      assert.isUndefined(answer.pollUnsafe())
      yield* server.resume
      assert.isTrue(Exit.isSuccess(yield* Fiber.join(answer)))
      yield* server.pause
      yield* server.kill
      yield* waitUntil(
        "its child is gone",
        Effect.sync(() => !isRunning(backend?.pid ?? 0, "postgres"))
      )
    })
  )
})

describe("a server that cannot start", () => {
  it.live("fails with its last output", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Effect.scoped(startNatsServer({ config: "this is { no configuration" })))
      assert.include(error.message, "ended before it was ready")
      assert.include(error.message, "Parse error on line")
    })
  )
})
