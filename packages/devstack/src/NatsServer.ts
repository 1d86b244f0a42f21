/**
 * A real nats-server with JetStream on a free port of 127.0.0.1.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Context, Effect, Layer, type Scope } from "effect"
import type { DevstackError } from "./DevstackError.ts"
import { freePort, portFor } from "./freePort.ts"
import { findNatsServer, findNatsServerVersion } from "./natsServer/findNatsServer.ts"
import { type ServerProcess, startServerProcess } from "./ServerProcess.ts"
import { stopLeftover } from "./stopLeftover.ts"

/** How to run the server; everything has a default that suits a test. */
export interface NatsServerOptions {
  /** This version and no other, `2.10.29`; any that is new enough when absent. */
  readonly version?: string
  /** Client port; a free one when absent. */
  readonly port?: number
  /** Folder for configuration and JetStream data; a temporary one, removed at the end, when absent. */
  readonly folder?: string
  /** File that gets the server's output, appended. */
  readonly logFile?: string
  /** The server's name, unique in a cluster. Default `bulkhead-dev`. */
  readonly name?: string
  /** Further configuration in the server's own syntax, appended as it is. */
  readonly config?: string
}

/** A running nats-server. */
export interface RunningNatsServer extends ServerProcess {
  /** `nats://127.0.0.1:<port>` */
  readonly url: string
  readonly port: number
  /** The monitoring endpoint, `http://127.0.0.1:<port>`. */
  readonly monitorUrl: string
}

const configText = (name: string, port: number, monitorPort: number, folder: string, extra: string) => `
server_name: ${name}
pid_file: "${folder}/nats-server.pid"
listen: 127.0.0.1:${port}
http: 127.0.0.1:${monitorPort}
jetstream {
  store_dir: "${folder}/jetstream"
  max_memory_store: 256MB
  max_file_store: 1TB
}
${extra}
`

/** Starts a nats-server and stops it when the scope closes; ready (JetStream included) on success. */
export const startNatsServer = Effect.fnUntraced(function* (
  options: NatsServerOptions = {}
): Effect.fn.Return<RunningNatsServer, DevstackError, Scope.Scope> {
  const binary = yield* options.version === undefined ? findNatsServer : findNatsServerVersion(options.version)
  const folder = options.folder ?? (yield* temporaryFolder("bulkhead-nats-"))
  const pidFile = join(folder, "nats-server.pid")
  yield* stopLeftover(pidFile, folder)
  const port = yield* portFor("nats-server", options.port)
  const monitorPort = yield* freePort
  const config = join(folder, "nats-server.conf")
  yield* Effect.sync(() => {
    mkdirSync(folder, { recursive: true })
    writeFileSync(config, configText(options.name ?? "bulkhead-dev", port, monitorPort, folder, options.config ?? ""), {
      mode: 0o600
    })
  })
  const server = yield* startServerProcess({
    component: "nats-server",
    command: binary.path,
    args: ["--config", config],
    stopSignal: "SIGTERM",
    isReady: (line) => line.includes("Server is ready"),
    ...(options.logFile === undefined ? {} : { logFile: options.logFile })
  })
  return { ...server, url: `nats://127.0.0.1:${port}`, port, monitorUrl: `http://127.0.0.1:${monitorPort}` }
})

/** A folder below the system's temporary one, removed with the scope. */
const temporaryFolder = (prefix: string) =>
  Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), prefix))),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
  )

/** The nats-server of a test suite or of the local platform. */
export class NatsServer extends Context.Service<NatsServer, RunningNatsServer>()("@bulkhead/devstack/NatsServer") {
  static readonly layer = (options: NatsServerOptions = {}): Layer.Layer<NatsServer, DevstackError> =>
    Layer.effect(NatsServer, startNatsServer(options))
}
