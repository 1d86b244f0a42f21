import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { credsFile, type TlsFiles } from "@bulkhead/accounts"
import { startInstallation, temporaryFolder } from "@bulkhead/accounts/testing"
import { waitUntil } from "@bulkhead/devstack"
import { assert, layer } from "@effect/vitest"
import { connect, credsAuthenticator } from "@nats-io/transport-node"
import { Context, Effect, Layer, Redacted } from "effect"
import { generate } from "selfsigned"
import { leafConfig, makeSiteIdentity, type SiteUser } from "../src/index.ts"
import { makeSite, startLeaf } from "../testing/index.ts"

/** A certificate of its own authority, which is all that a pinned one needs. */
const certificate = (folder: string, name: string) =>
  Effect.promise(async (): Promise<TlsFiles> => {
    const made = await generate([{ name: "commonName", value: "localhost" }], {
      keyType: "ec",
      algorithm: "sha256",
      extensions: [{ name: "subjectAltName", altNames: [{ type: 2, value: "localhost" }] }]
    })
    const write = (end: string, text: string) => {
      writeFileSync(join(folder, `${name}-${end}`), text)
      return join(folder, `${name}-${end}`)
    }
    return {
      caFile: write("cert.pem", made.cert),
      certFile: write("cert.pem", made.cert),
      keyFile: write("key.pem", made.private)
    }
  })

const start = Effect.gen(function* () {
  const folder = yield* temporaryFolder
  const ours = yield* certificate(folder, "ours")
  const installation = yield* startInstallation({ leafTls: ours })
  const acme = yield* installation.onboard("acme")
  const user = yield* acme.user("leaf")
  const site = yield* makeSite(`tls://localhost:${installation.leafPort}`)
  const creds = credsFile(user.claims, user.key)
  const leaf = yield* startLeaf(site, join(folder, "site"), creds, { caFile: ours.caFile })
  return { folder, installation, acme, user, creds, site, leaf }
})

class World extends Context.Service<World, Effect.Success<typeof start>>()("test/World") {
  static readonly layer = Layer.effect(World, start)
}

const connectAs = (user: SiteUser) =>
  Effect.gen(function* () {
    const { leaf } = yield* World
    const authenticator = credsAuthenticator(readFileSync(leaf.file(`${user}.creds`)))
    return yield* Effect.acquireRelease(
      Effect.promise(() => connect({ servers: leaf.url, authenticator })),
      (open) => Effect.promise(() => open.close())
    )
  })

layer(World.layer, { excludeTestServices: true })("a site's leaf node", (it) => {
  it.effect("is linked to the platform over TLS, and gives what the uplink publishes to the tenant's stream", () =>
    Effect.gen(function* () {
      const { leaf, installation } = yield* World
      yield* waitUntil("the leaf node is linked", leaf.isLinked)
      const uplink = yield* connectAs("relay-uplink")
      const answer = yield* Effect.promise(() => uplink.request("logs.syslog", "{}", { timeout: 5_000 }))
      assert.include(answer.string(), '"stream":"events-acme"')
      assert.strictEqual(yield* installation.stored("acme"), 1)
    })
  )

  it.effect("is not linked to a server whose certificate is of another authority", () =>
    Effect.gen(function* () {
      const { folder, installation, creds } = yield* World
      const others = yield* certificate(folder, "others")
      const site = yield* makeSite(`tls://localhost:${installation.leafPort}`, { name: "strict" })
      const leaf = yield* startLeaf(site, join(folder, "strict"), creds, { caFile: others.caFile })
      yield* waitUntil("the leaf node says why", leaf.logHas("certificate"))
      assert.isFalse(yield* leaf.isLinked)
    })
  )

  it.effect("lets nobody in without credentials of the site, not even with the tenant's own", () =>
    Effect.gen(function* () {
      const { leaf, acme } = yield* World
      const tenants = yield* acme.user("collector")
      const attempts = [
        {},
        {
          authenticator: credsAuthenticator(
            new TextEncoder().encode(Redacted.value(credsFile(tenants.claims, tenants.key)))
          )
        }
      ]
      for (const attempt of attempts) {
        const refused = yield* Effect.flip(
          Effect.tryPromise(() => connect({ servers: leaf.url, reconnect: false, ...attempt }))
        )
        assert.match(String(refused.cause), /Authorization Violation/i)
      }
    })
  )

  it.effect("lets a collector neither empty, read nor delete the buffer, nor past it to the platform", () =>
    Effect.gen(function* () {
      const { installation } = yield* World
      const collector = yield* connectAs("collector")
      for (const verb of ["STREAM.PURGE", "STREAM.DELETE", "DIRECT.GET", "STREAM.CREATE"]) {
        const asked = Effect.tryPromise(() => collector.request(`$JS.API.${verb}.buffer`, "{}", { timeout: 5_000 }))
        assert.match(String((yield* Effect.flip(asked)).cause), /permissions violation/i)
      }
      const before = yield* installation.stored("acme")
      const published = Effect.tryPromise(() => collector.request("logs.syslog", "{}", { timeout: 5_000 }))
      assert.match(String((yield* Effect.flip(published)).cause), /no responders/i)
      assert.strictEqual(yield* installation.stored("acme"), before)
    })
  )

  it.effect("is cut when its credentials are revoked, and linked again with new ones in the same file", () =>
    Effect.gen(function* () {
      const { leaf, acme, installation, user } = yield* World
      yield* waitUntil("the leaf node is linked", leaf.isLinked)
      const revoked = { [user.publicKey]: Math.ceil(Date.now() / 1_000) }
      yield* installation.push({ ...acme.account, revoked }, acme.keys)
      yield* waitUntil(
        "the line is cut",
        Effect.map(leaf.isLinked, (linked) => !linked)
      )
      const next = yield* acme.user("leaf")
      writeFileSync(leaf.file("leaf.creds"), Redacted.value(credsFile(next.claims, next.key)))
      yield* waitUntil("the leaf node is linked again", leaf.isLinked)
    })
  )

  it.effect("names no secret in its configuration, and refuses a path that would end its own string", () =>
    Effect.gen(function* () {
      const { site } = yield* World
      const identity = yield* Effect.promise(() => makeSiteIdentity(site))
      const write = (credsFile: string) => leafConfig(site, identity, { dataFolder: "/var/lib/edge", credsFile })
      assert.notMatch(write("/etc/edge/leaf.creds"), /\bS[OAU][A-Z2-7]{56}\b/)
      assert.throws(() => write('/etc/"; debug: true'), /choose another/)
    })
  )
})
