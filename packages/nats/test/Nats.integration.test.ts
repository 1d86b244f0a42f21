import { execFileSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { startNatsServer } from "@bulkhead/devstack"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Layer, Redacted } from "effect"
import { Nats, NatsError, type NatsOptions } from "../src/index.ts"
import { natsOf, text } from "./fixtures.ts"

const SECRET = "hidden-pass"

const fromEnvironment = (variables: Record<string, string>) =>
  Nats.layer.pipe(Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord(variables))))

const isConnected = Effect.flatMap(Nats, (nats) => nats.isConnected)

/** The reason for which the layer fails; no secret stands in the error. */
const reasonFor = <E>(layer: Layer.Layer<Nats, E>) =>
  Effect.gen(function* () {
    const error = yield* Effect.flip(Effect.scoped(Layer.build(layer)))
    assert.instanceOf(error, NatsError)
    assert.notInclude(`${(error as Error).message} ${JSON.stringify(error)} ${(error as Error).stack}`, SECRET)
    return (error as unknown as NatsError).reason
  })

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "bulkhead-nats-test-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

const passwords = (password: string) => `authorization { users: [{ user: svc, password: "${password}" }] }`

describe("Nats", () => {
  it.live("connects as the environment says, under the given name", () =>
    Effect.gen(function* () {
      const server = yield* startNatsServer({ config: passwords(SECRET) })
      yield* Effect.gen(function* () {
        const nats = yield* Nats
        assert.isTrue(yield* nats.isConnected)
        assert.strictEqual(nats.inboxPrefix, "_INBOX_svc")
        const connections = yield* Effect.promise(() =>
          fetch(`${server.monitorUrl}/connz?auth=true`).then((response) => response.json())
        )
        const [own] = (connections as { connections: Array<{ name: string; authorized_user: string }> }).connections
        assert.deepInclude(own, { name: "core-1", authorized_user: "svc" })
      }).pipe(
        Effect.provide(
          fromEnvironment({
            NATS_URL: `nats://127.0.0.1:1, ${server.url}`,
            NATS_USER: "svc",
            NATS_PASSWORD: SECRET,
            NATS_INBOX_PREFIX: "_INBOX_svc",
            NATS_CLIENT_NAME: "core-1"
          })
        )
      )
    })
  )

  it.live("drains when its scope closes: what was published before arrives", () =>
    Effect.gen(function* () {
      const server = yield* startNatsServer()
      const received: Array<string> = []
      yield* Effect.gen(function* () {
        const listener = yield* (yield* Nats).connection
        listener.subscribe("news", { callback: (_, message) => void received.push(text(message.data)) })
        yield* Effect.promise(() => listener.flush())
        yield* Effect.gen(function* () {
          const connection = yield* (yield* Nats).connection
          for (let index = 0; index < 1_000; index++) connection.publish("news", `${index}`)
        }).pipe(Effect.provide(Layer.fresh(natsOf(server, { clientName: "publisher" }))))
        yield* Effect.promise(() => listener.flush())
      }).pipe(Effect.provide(natsOf(server)))
      assert.lengthOf(received, 1_000)
    })
  )

  describe("settings that cannot work", () => {
    const misconfigured = (variables: Record<string, string>, mention: string) =>
      Effect.gen(function* () {
        const reason = yield* reasonFor(fromEnvironment(variables))
        assert.strictEqual(reason._tag, "NatsMisconfigured")
        assert.include(reason.message, mention)
      })

    it.live("are refused at once, naming the setting and the next step", () =>
      Effect.gen(function* () {
        yield* misconfigured({ NATS_URL: " , " }, "NATS_URL names no server")
        yield* misconfigured({ NATS_URL: "http://somewhere" }, '"http://somewhere"')
        yield* misconfigured({ NATS_URL: `nats://me:${SECRET}@h:4222` }, "NATS_USER and NATS_PASSWORD")
        yield* misconfigured({ NATS_PASSWORD: SECRET }, "without NATS_USER")
        yield* misconfigured({ NATS_CREDS_FILE: "/nowhere/x.creds" }, '"/nowhere/x.creds" cannot be read')
        yield* misconfigured({ NATS_CREDS_FILE: "/a", NATS_USER: "me" }, "one or the other")
        yield* misconfigured({ NATS_TLS_CERT: "/a" }, "both or none")
        const path = join(yield* folder, "x.creds")
        writeFileSync(path, SECRET)
        yield* misconfigured({ NATS_CREDS_FILE: path }, "holds no user JWT and seed")
      })
    )

    it.live("credentials that the server refuses are named without the secret", () =>
      Effect.gen(function* () {
        const server = yield* startNatsServer({ config: passwords("right") })
        const reason = yield* reasonFor(natsOf(server, { user: "svc", password: Redacted.make(SECRET) }))
        assert.strictEqual(reason._tag, "CredentialsRefused")
        assert.include(reason.message, 'user "svc"')
        assert.strictEqual((yield* reasonFor(natsOf(server)))._tag, "CredentialsRefused")
      })
    )
  })

  describe("TLS", () => {
    const certificates = Effect.map(folder, (path) => {
      const openssl = (...args: Array<string>) => execFileSync("openssl", args, { cwd: path, stdio: "pipe" })
      const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
      openssl("req", "-x509", ...key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=test-ca", "-days", "1")
      for (const name of ["server", "client"]) {
        openssl("req", ...key, "-keyout", `${name}.key`, "-out", `${name}.csr`, "-subj", `/CN=${name}`)
        writeFileSync(join(path, `${name}.ext`), "subjectAltName=IP:127.0.0.1,DNS:localhost\n")
        const signing = [
          "-CA",
          "ca.pem",
          "-CAkey",
          "ca.key",
          "-CAcreateserial",
          "-extfile",
          `${name}.ext`,
          "-days",
          "1"
        ]
        openssl("x509", "-req", "-in", `${name}.csr`, "-out", `${name}.pem`, ...signing)
      }
      return path
    })

    it.live("connects with a certificate of its own, and refuses a server it cannot verify", () =>
      Effect.gen(function* () {
        const path = yield* certificates
        const file = (name: string) => join(path, name)
        const server = yield* startNatsServer({
          config: `tls { cert_file: "${file("server.pem")}", key_file: "${file("server.key")}", ca_file: "${file("ca.pem")}", verify: true }`
        })
        const complete: Partial<NatsOptions> = {
          tlsCaFile: file("ca.pem"),
          tlsCertFile: file("client.pem"),
          tlsKeyFile: file("client.key")
        }
        assert.isTrue(yield* isConnected.pipe(Effect.provide(natsOf(server, complete))))
        const { tlsCaFile: _, ...withoutCa } = complete
        const reason = yield* reasonFor(natsOf(server, withoutCa))
        assert.strictEqual(reason._tag, "NatsMisconfigured")
        assert.include(reason.message, "NATS_TLS_CA")
      })
    )

    it.live("is insisted on by tls://", () =>
      Effect.gen(function* () {
        const server = yield* startNatsServer()
        const reason = yield* reasonFor(Nats.layerWith({ servers: [`tls://127.0.0.1:${server.port}`] }))
        assert.strictEqual(reason._tag, "NatsMisconfigured")
        assert.include(reason.message, "tls")
      })
    )
  })
})
