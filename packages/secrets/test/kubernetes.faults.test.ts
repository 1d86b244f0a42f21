import { execFileSync } from "node:child_process"
import { readFileSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:https"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { waitUntil } from "@bulkhead/devstack"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Redacted } from "effect"
import { type KubernetesOptions, SecretStore } from "../src/index.ts"
import { startKubernetesStandIn } from "./kubernetesStandIn.ts"

const NAME = { owner: "acme", purpose: "keys" }
const VALUE = Redacted.make("hidden-value")

const storeOf = (options: KubernetesOptions) =>
  Effect.map(Layer.build(SecretStore.layerKubernetes(options)), (context) =>
    Effect.provideContext(SecretStore, context)
  ).pipe(Effect.flatten)

const open = Effect.gen(function* () {
  const standIn = yield* startKubernetesStandIn
  return { ...standIn, secrets: yield* storeOf(standIn.options) }
})

describe("an API server that fails", () => {
  it.live("is a reason to try again", () =>
    Effect.gen(function* () {
      const { kubernetes, secrets } = yield* open
      for (const status of [500, 503, 429]) {
        kubernetes.brokenWith = status
        const error = yield* Effect.flip(secrets.create(NAME, VALUE))
        assert.isTrue(error.isRetryable)
        assert.include(error.message, `it answered ${status}`)
        assert.notInclude(error.message, "hidden")
      }
    })
  )

  it.live("is waited for at the start", () =>
    Effect.gen(function* () {
      const { kubernetes, options } = yield* startKubernetesStandIn
      kubernetes.brokenWith = 503
      const starting = yield* Effect.forkChild(storeOf(options), { startImmediately: true })
      yield* waitUntil(
        "a second try",
        Effect.sync(() => kubernetes.seen.length > 1)
      )
      kubernetes.brokenWith = undefined
      assert.strictEqual(yield* (yield* Fiber.join(starting)).create(NAME, VALUE), "created")
    })
  )

  it.live("is told apart from an absent secret, as is somebody else's 404", () =>
    Effect.gen(function* () {
      const { kubernetes, secrets } = yield* open
      kubernetes.brokenWith = 404
      const error = yield* Effect.flip(secrets.read(NAME))
      assert.strictEqual(error.reason._tag, "SecretStoreMisconfigured")
    })
  )
})

describe("a missing right", () => {
  it.live("is named by verb and namespace", () =>
    Effect.gen(function* () {
      const { kubernetes, secrets } = yield* open
      const verbs = {
        create: secrets.create(NAME, VALUE),
        get: secrets.read(NAME),
        update: secrets.replace(NAME, VALUE),
        delete: secrets.remove(NAME),
        list: secrets.list("acme")
      }
      for (const [verb, use] of Object.entries(verbs)) {
        kubernetes.forbidden.clear()
        kubernetes.forbidden.add(verb)
        const error = yield* Effect.flip(use as Effect.Effect<unknown, Effect.Error<typeof verbs.get>>)
        assert.strictEqual(error.reason._tag, "SecretStoreRefused")
        assert.include(error.message, `refused "${verb}" on "namespaces/platform/secrets"`)
        assert.isFalse(error.isRetryable)
      }
    })
  )

  it.live("stops the start at once", () =>
    Effect.gen(function* () {
      const { kubernetes, options } = yield* startKubernetesStandIn
      kubernetes.forbidden.add("list")
      const error = yield* Effect.flip(storeOf(options))
      assert.include(error.message, 'the verb "list" on secrets')
      assert.lengthOf(kubernetes.seen, 1)
    })
  )
})

describe("a token that ends", () => {
  it.live("is followed by the one that stands in the file then", () =>
    Effect.gen(function* () {
      const { kubernetes, renewToken, secrets } = yield* open
      kubernetes.token = "hidden-new-token"
      const error = yield* Effect.flip(secrets.read(NAME))
      assert.include(error.message, "K8S_TOKEN_FILE")
      assert.notInclude(error.message, "hidden")
      yield* renewToken("hidden-new-token")
      assert.isUndefined(yield* secrets.read(NAME))
    })
  )

  it.live("names the file that is gone", () =>
    Effect.gen(function* () {
      const { options, secrets } = yield* open
      rmSync(options.tokenFile)
      const error = yield* Effect.flip(secrets.read(NAME))
      assert.include(error.message, `"${options.tokenFile}" of K8S_TOKEN_FILE cannot be read (ENOENT)`)
    })
  )
})

describe("a hand in the objects", () => {
  it.live("is noticed where it moved a value under another name, or took it away", () =>
    Effect.gen(function* () {
      const { kubernetes, secrets } = yield* open
      yield* secrets.create(NAME, VALUE)
      yield* secrets.create({ owner: "globex", purpose: "keys" }, Redacted.make("other"))
      const [[acme = "", mine] = [], [globex = "", theirs] = []] = [...kubernetes.objects]
      assert.isDefined(mine)
      assert.isDefined(theirs)
      kubernetes.objects.set(acme, theirs as never)
      kubernetes.objects.set(globex, { ...(theirs as object), data: {} } as never)
      const moved = yield* Effect.flip(secrets.read(NAME))
      assert.strictEqual(moved.reason._tag, "SecretUnreadable")
      assert.include(moved.message, 'Secret "acme/keys" lies in a Secret whose annotations name another')
      const emptied = yield* Effect.flip(secrets.read({ owner: "globex", purpose: "keys" }))
      assert.include(emptied.message, 'has nothing under "value"')
    })
  )
})

describe("a secret that comes and goes while it is replaced", () => {
  it.live("is replaced all the same", () =>
    Effect.gen(function* () {
      const { kubernetes, secrets } = yield* open
      yield* secrets.create(NAME, VALUE)
      const [object] = [...kubernetes.objects]
      kubernetes.objects.clear()
      // Absent at the PUT, there again at the POST.
      kubernetes.before = ({ method }) => {
        if (method !== "POST" || object === undefined) return
        kubernetes.objects.set(...object)
        kubernetes.before = () => {}
      }
      yield* secrets.replace(NAME, Redacted.make("new"))
      const value = yield* secrets.read(NAME)
      assert.strictEqual(value && Redacted.value(value), "new")
    })
  )
})

describe("a value in a list", () => {
  it.live("does not travel: only metadata is asked for", () =>
    Effect.gen(function* () {
      const { kubernetes, secrets } = yield* open
      yield* secrets.list("acme")
      assert.include(kubernetes.seen.at(-1)?.headers.accept, "as=PartialObjectMetadataList")
    })
  )
})

describe("TLS", () => {
  it.live("trusts the authority in the file, and says so when another signed the certificate", () =>
    Effect.gen(function* () {
      const { kubernetes, folder, options } = yield* startKubernetesStandIn
      const make = (name: string) =>
        execFileSync(
          "openssl",
          [
            ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"],
            ...["-subj", `/CN=${name}`, "-addext", "subjectAltName=IP:127.0.0.1"],
            ...["-keyout", `${name}.key`, "-out", `${name}.crt`]
          ],
          { cwd: folder, stdio: "pipe" }
        )
      make("server")
      make("stranger")
      const file = (name: string) => join(folder, name)
      const tls = { key: readFileSync(file("server.key")), cert: readFileSync(file("server.crt")) }
      const server = yield* Effect.acquireRelease(
        Effect.promise(async () => {
          const https = createServer(tls, (incoming, outgoing) => {
            const url = new URL(incoming.url ?? "", "http://127.0.0.1")
            const { status, body } = kubernetes.answer({
              method: incoming.method ?? "",
              url,
              headers: incoming.headers,
              body: undefined
            })
            outgoing.writeHead(status).end(JSON.stringify(body))
          })
          await new Promise<void>((resolve) => https.listen(0, "127.0.0.1", resolve))
          return https
        }),
        (https) => Effect.sync(() => https.close())
      )
      const address = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
      const trusting = (caFile: string) => storeOf({ ...options, server: address, caFile: file(caFile) })
      assert.isUndefined(yield* (yield* trusting("server.crt")).read(NAME))
      const stranger = yield* Effect.flip(trusting("stranger.crt"))
      assert.strictEqual(stranger.reason._tag, "SecretStoreMisconfigured")
      assert.include(stranger.message, "K8S_CA_FILE")
      assert.include((yield* Effect.flip(trusting("nowhere.crt"))).message, "of K8S_CA_FILE cannot be read (ENOENT)")
      writeFileSync(file("broken.crt"), "no certificate")
      assert.isFalse((yield* Effect.flip(trusting("broken.crt"))).isRetryable)
    })
  )
})
