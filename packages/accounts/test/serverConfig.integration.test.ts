import { execFile, spawn } from "node:child_process"
import { readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { promisify } from "node:util"
import { findNatsServer, freePort, waitUntil } from "@bulkhead/devstack"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { generate } from "selfsigned"
import { makeInstallation, NKey, type ServerConfigOptions, serverConfig, signPlatform } from "../src/index.ts"
import { temporaryFolder } from "../testing/installation.ts"

const run = promisify(execFile)

const makeKeys = Effect.promise(async () => {
  const keys = await makeInstallation("test", NKey.make("operator"))
  return { keys, claims: await signPlatform(keys) }
})

const certificate = (folder: string) =>
  Effect.promise(async () => {
    const made = await generate([{ name: "commonName", value: "localhost" }], { keyType: "ec", algorithm: "sha256" })
    const write = (name: string, text: string) => {
      writeFileSync(join(folder, name), text)
      return join(folder, name)
    }
    return {
      caFile: write("ca.pem", made.cert),
      certFile: write("cert.pem", made.cert),
      keyFile: write("key.pem", made.private)
    }
  })

/** Everything a configuration can have. */
const options = Effect.fnUntraced(function* (folder: string) {
  const port = () => Effect.map(freePort, (free) => `127.0.0.1:${free}`)
  const monitor = yield* port()
  const whole: ServerConfigOptions = {
    serverName: "one",
    listen: yield* port(),
    monitor,
    tls: yield* certificate(folder),
    leafListen: yield* port(),
    cluster: { name: "test", listen: yield* port(), routes: [`nats-route://${yield* port()}`] },
    folder,
    jetStream: { memoryBytes: 64 * 1024 * 1024, fileBytes: 1024 * 1024 * 1024 }
  }
  return whole
})

describe("a server's configuration", () => {
  it.live("is taken by the real server, with TLS, leaf nodes, a cluster and JetStream", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const { keys, claims } = yield* makeKeys
      const whole = yield* options(folder)
      const file = join(folder, "nats-server.conf")
      writeFileSync(file, serverConfig(keys, claims, whole))
      const { path } = yield* findNatsServer
      yield* Effect.promise(() => run(path, ["-t", "-c", file]))
      const child = spawn(path, ["-c", file], { stdio: "ignore" })
      yield* Effect.addFinalizer(() => Effect.sync(() => child.kill("SIGKILL")))
      const varz = () =>
        fetch(`http://${whole.monitor}/varz`).then(
          (response) => response.json() as Promise<Record<string, unknown>>,
          () => undefined
        )
      yield* waitUntil(
        "it answers",
        Effect.promise(async () => (await varz()) !== undefined)
      )
      const seen = yield* Effect.promise(varz)
      assert.deepInclude(seen, { server_name: "one", tls_required: true, system_account: keys.system.publicKey })
      assert.isDefined((seen?.leaf as { port?: number } | undefined)?.port)
      assert.strictEqual((seen?.cluster as { name?: string } | undefined)?.name, "test")
      assert.include(readdirSync(folder), "claims")
    })
  )

  it.live("holds no secret", () =>
    Effect.gen(function* () {
      const { keys, claims } = yield* makeKeys
      const text = serverConfig(keys, claims, yield* options(yield* temporaryFolder))
      assert.notMatch(text, /\bS[OAU][A-Z2-7]{56}\b/)
    })
  )

  it.live("is refused for a path that would end its own string", () =>
    Effect.gen(function* () {
      const { keys, claims } = yield* makeKeys
      const whole = yield* options(yield* temporaryFolder)
      assert.throws(() => serverConfig(keys, claims, { ...whole, folder: '/tmp/"; debug: true' }), /choose another/)
    })
  )
})
