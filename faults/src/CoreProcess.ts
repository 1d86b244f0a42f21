/**
 * Core as a process of its own, as it is deployed: settings from the environment, readiness and answers over HTTP. Its
 * clock can be set, and it can be killed, stopped and frozen.
 */
import { rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { freePort, type ServerProcess, startServerProcess, stopLeftover, waitUntil } from "@bulkhead/devstack"
import { Effect } from "effect"

const repository = fileURLToPath(new URL("../..", import.meta.url))
const MAIN = join(repository, "services/core/src/main.ts")
const PRELOADED = ["keepCompiled.ts", "skewedClock.ts"].map((name) => fileURLToPath(new URL(name, import.meta.url)))
const TOKEN = "a token that only the faults know"
const ANSWER_TIMEOUT_MS = 2_000

export interface CoreOptions {
  /** Holds its log, its clock and its process id. */
  readonly folder: string
  readonly natsUrl: string
  readonly databaseUrl: string
}

export interface CoreProcess extends ServerProcess {
  /** Waits until `/readyz` is green. */
  readonly ready: Effect.Effect<void>
  /** Sets its clock apart from the true time, milliseconds. */
  readonly skewClock: (ms: number) => Effect.Effect<void>
  /** Asks its API; undefined where there is no good answer. */
  readonly ask: <A>(method: string, path: string, body?: unknown) => Effect.Effect<A | undefined>
}

const request = (url: string, init: RequestInit) =>
  Effect.promise(() => fetch(url, { ...init, signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) }).catch(() => undefined))

/** Starts core and ends it with the scope. */
export const startCore = Effect.fnUntraced(function* (options: CoreOptions) {
  const { folder, natsUrl, databaseUrl } = options
  const [port, opsPort] = [yield* freePort, yield* freePort]
  const clockFile = join(folder, "clock")
  const pidFile = join(folder, "core.pid")
  const skewClock = (ms: number) => Effect.sync(() => writeFileSync(clockFile, String(ms)))
  yield* stopLeftover(pidFile, MAIN, "SIGKILL")
  yield* skewClock(0)
  const core = yield* startServerProcess({
    component: "core",
    command: process.execPath,
    args: ["--conditions=@bulkhead/source", ...PRELOADED.flatMap((path) => ["--import", path]), MAIN],
    env: {
      FAULTS_CLOCK_FILE: clockFile,
      FAULTS_COMPILE_CACHE: join(folder, "compiled"),
      NATS_URL: natsUrl,
      NATS_TENANT_PREFIX_ENABLED: "true",
      DATABASE_URL: databaseUrl,
      DATABASE_START_TIMEOUT_MS: "600000",
      CORE_HTTP_PORT: String(port),
      CORE_API_TOKEN: TOKEN,
      CORE_ACCOUNTS: "none",
      CORE_CANARY_MS: "0",
      CORE_RECONCILE_MS: "500",
      // Faults send events of 1970.
      CORE_RETENTION_DAYS: "100000",
      OPS_PORT: String(opsPort)
    },
    stopSignal: "SIGTERM",
    logFile: join(folder, "core.log")
  })
  const notePid = Effect.map(core.pid, (pid) => writeFileSync(pidFile, String(pid)))
  yield* notePid
  // What it still does when all is over interests nobody.
  yield* Effect.addFinalizer(() =>
    Effect.andThen(
      core.kill,
      Effect.sync(() => rmSync(pidFile, { force: true }))
    )
  )
  const isReady = Effect.map(request(`http://127.0.0.1:${opsPort}/readyz`, {}), (response) => response?.ok === true)
  const running: CoreProcess = {
    ...core,
    start: Effect.andThen(core.start, notePid),
    ready: waitUntil("core is ready", isReady, "60 seconds"),
    skewClock,
    ask: <A>(method: string, path: string, body?: unknown) =>
      Effect.gen(function* () {
        const response = yield* request(`http://127.0.0.1:${port}${path}`, {
          method,
          headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
          ...(body === undefined ? {} : { body: JSON.stringify(body) })
        })
        if (response?.ok !== true) return undefined
        return (yield* Effect.promise(() => response.json().catch(() => undefined))) as A | undefined
      })
  }
  return running
})
