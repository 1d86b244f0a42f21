/** The NATS user of zen-consumer may do what the service does, and the server refuses it nothing on the way. */
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { refusedSubjects, type Servers, startServers } from "@bulkhead/account-signer/testing"
import { PLATFORM_USERS } from "@bulkhead/account-signer/users"
import { credsFile, NKey, signPlatformUser } from "@bulkhead/accounts"
import { waitUntil } from "@bulkhead/devstack"
import { Nats } from "@bulkhead/nats"
import { Health, Metrics } from "@bulkhead/observability"
import { RULE_BUCKET } from "@bulkhead/rules"
import { assert, describe, it } from "@effect/vitest"
import { jetstreamManager } from "@nats-io/jetstream"
import { Kvm } from "@nats-io/kv"
import { ConfigProvider, Effect, Layer, Redacted } from "effect"
import { ZenApp } from "../src/ZenApp.ts"

const environment = (values: Record<string, string>) => ConfigProvider.layer(ConfigProvider.fromEnvRecord(values))
const ROUNDS = ["acme.logs.syslog", "acme.logs.internal.health", "acme.logs.internal.infrastructure.registered"]

/** Publishes as collectors do, by a user that may do nothing else. */
const publishRaw = Effect.fnUntraced(function* (servers: Servers) {
  const key = NKey.make("user")
  const user = { name: "collectors", publicKey: key.publicKey, expiresAt: new Date(Date.now() + 3_600_000) }
  const allowed = { pub: { allow: ["acme.logs.>"] }, sub: { allow: ["_INBOX.>"] } }
  const claims = yield* Effect.promise(() => signPlatformUser(user, allowed, servers.keys.platform))
  const file = join(servers.folder, "collectors.creds")
  writeFileSync(file, Redacted.value(credsFile(claims, key)))
  const settings = environment({ NATS_URL: servers.nats.url, NATS_CREDS_FILE: file })
  const context = yield* Layer.build(Nats.layer.pipe(Layer.provide(settings)))
  const connection = yield* Effect.flatMap(Nats, (nats) => nats.connection).pipe(Effect.provideContext(context))
  for (const subject of ROUNDS) yield* Effect.promise(() => connection.request(subject, "{}"))
})

describe("zen-consumer's permissions", () => {
  it.live("suffice for its work", () =>
    Effect.gen(function* () {
      const servers = yield* startServers()
      const { subjects, layer } = refusedSubjects()
      const core = yield* Layer.build(Nats.layer.pipe(Layer.provide(environment(servers.coreEnvironment))))
      const connection = yield* Effect.flatMap(Nats, (nats) => nats.connection).pipe(Effect.provideContext(core))
      const manager = yield* Effect.promise(() => jetstreamManager(connection, { checkAPI: false }))
      yield* Effect.promise(() =>
        manager.streams.add({ name: "events-acme", subjects: ["acme.logs.>", "acme.events.>"] })
      )
      yield* Effect.promise(() => new Kvm(connection).create(RULE_BUCKET))
      const settings = environment({
        NATS_URL: servers.nats.url,
        NATS_CREDS_FILE: join(servers.folder, "zen-consumer.creds"),
        NATS_INBOX_PREFIX: PLATFORM_USERS["zen-consumer"].inboxPrefix,
        ZEN_RECONCILE_MS: "100"
      })
      const process = Layer.mergeAll(Health.layer, Metrics.layer("zen-consumer", "test"))
      yield* Layer.build(ZenApp.pipe(Layer.provide(process), Layer.provide(settings), Layer.provide(layer)))
      yield* publishRaw(servers)
      yield* waitUntil(
        "a result for each raw log",
        Effect.promise(async () => (await manager.streams.info("events-acme")).state.messages === 2 * ROUNDS.length),
        "10 seconds"
      ).pipe(Effect.tapCause(() => Effect.sync(() => console.error(subjects))))
      assert.deepStrictEqual(subjects, [])
    })
  )
})
