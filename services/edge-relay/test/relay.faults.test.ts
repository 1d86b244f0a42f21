import { readFileSync } from "node:fs"
import { join } from "node:path"
import { credsFile } from "@bulkhead/accounts"
import { startInstallation, temporaryFolder } from "@bulkhead/accounts/testing"
import { waitUntil } from "@bulkhead/devstack"
import { makeSite, startLeaf, startUplink } from "@bulkhead/edge/testing"
import { assert, layer } from "@effect/vitest"
import { jetstream, jetstreamManager } from "@nats-io/jetstream"
import { connect, credsAuthenticator, headers } from "@nats-io/transport-node"
import { Context, Effect, Layer } from "effect"
import { startRelay } from "./harness.ts"

const LONG = "40 seconds"
const SMALL = 4_096

/** acme with a site whose line to the platform can be cut, and a collector there. */
const start = Effect.gen(function* () {
  const installation = yield* startInstallation()
  const acme = yield* installation.onboard("acme")
  const uplink = yield* startUplink(installation.leafPort)
  const user = yield* acme.user("leaf")
  const site = yield* makeSite(`nats-leaf://127.0.0.1:${uplink.port}`)
  const folder = join(yield* temporaryFolder, "site")
  const leaf = yield* startLeaf(site, folder, credsFile(user.claims, user.key))
  const relay = yield* startRelay(site, leaf, { RELAY_BATCH_MESSAGES_MAX: "100" })
  const collector = yield* Effect.acquireRelease(
    Effect.promise(() =>
      connect({
        servers: leaf.url,
        authenticator: credsAuthenticator(readFileSync(leaf.file("collector.creds"))),
        maxReconnectAttempts: -1,
        reconnectTimeWait: 100
      })
    ),
    (open) => Effect.promise(() => open.close())
  )
  yield* waitUntil(
    "the relay has made the buffer",
    Effect.map(relay.problem, (problem) => problem === "ok"),
    LONG
  )

  /** Each is on the site's disk when this is done. */
  const publish = (subject: string, texts: ReadonlyArray<string>) =>
    Effect.promise(async () => {
      for (const text of texts) await jetstream(collector).publish(subject, text, { timeout: 20_000, retries: 3 })
    })

  /** What the platform has under a subject of acme's, oldest first. */
  const stored = (subject: string) =>
    Effect.tryPromise(async () => {
      const found: Array<string> = []
      const consumer = await jetstream(installation.platform).consumers.get("events-acme", {
        filter_subjects: `acme.${subject}`
      })
      const { num_pending: count } = await consumer.info()
      if (count === 0) return found
      for await (const message of await consumer.fetch({ max_messages: count })) {
        found.push(message.string())
        if (found.length === count) break
      }
      return found
    })
  const awaitStored = (subject: string, count: number) =>
    waitUntil(
      `${count} of ${subject}`,
      Effect.map(stored(subject), (found) => found.length >= count),
      LONG
    )
  return { installation, uplink, leaf, relay, collector, publish, stored, awaitStored }
})

class World extends Context.Service<World, Effect.Success<typeof start>>()("test/World") {
  static readonly layer = Layer.effect(World, start)
}

const numbered = (name: string, count: number) => Array.from({ length: count }, (_, at) => `${name} ${at}`)

layer(World.layer, { excludeTestServices: true })("edge-relay", (it) => {
  it.effect(
    "carries what a collector publishes to the tenant's stream, with its headers and without its message id",
    () =>
      Effect.gen(function* () {
        const { installation, collector, awaitStored } = yield* World
        const traced = headers()
        traced.set("traceparent", "00-1-2-03")
        yield* Effect.promise(() =>
          jetstream(collector).publish("events.door", "open", { headers: traced, msgID: "one" })
        )
        yield* Effect.promise(() =>
          jetstream(collector).publish("events.door", "open", { headers: traced, msgID: "one" })
        )
        yield* awaitStored("events.door", 1)
        const manager = yield* Effect.promise(() => jetstreamManager(installation.platform))
        const message = yield* Effect.promise(() =>
          manager.streams.getMessage("events-acme", { last_by_subj: "acme.events.door" })
        )
        assert.strictEqual(message?.header.get("traceparent"), "00-1-2-03")
        assert.strictEqual(message?.header.get("Nats-Msg-Id"), "")
        assert.strictEqual(message?.seq, 1)
      })
  )

  it.effect("stores once and in order what was stored when acknowledgement, relay, leaf node and line were lost", () =>
    Effect.gen(function* () {
      const { uplink, leaf, relay, publish, stored, awaitStored } = yield* World
      yield* publish("logs.syslog", numbered("before", 150))
      yield* awaitStored("logs.syslog", 150)
      yield* uplink.mute
      yield* publish("logs.syslog", numbered("unanswered", 150))
      yield* waitUntil(
        "the platform has what no answer came for",
        Effect.map(stored("logs.syslog"), (found) => found.length > 150)
      )
      yield* relay.kill
      yield* leaf.kill
      yield* uplink.cut
      yield* leaf.start
      yield* relay.start
      yield* publish("logs.syslog", numbered("during", 150))
      assert.strictEqual(yield* relay.metric("relayed_total"), 0)
      yield* uplink.restore
      yield* awaitStored("logs.syslog", 450)
      assert.deepStrictEqual(yield* stored("logs.syslog"), [
        ...numbered("before", 150),
        ...numbered("unanswered", 150),
        ...numbered("during", 150)
      ])
      yield* waitUntil(
        "the site's disk is free",
        Effect.map(relay.metric("buffer_messages"), (messages) => messages === 0)
      )
      assert.isAtLeast(yield* relay.metric("batches_found_total"), 1)
      assert.strictEqual(yield* relay.problem, "ok")
    })
  )

  it.effect("gives up one message that the platform will never take, and stores its neighbours", () =>
    Effect.gen(function* () {
      const { installation, uplink, relay, publish, stored, awaitStored } = yield* World
      const manager = yield* Effect.promise(() => jetstreamManager(installation.platform))
      yield* Effect.promise(() => manager.streams.update("events-acme", { max_msg_size: SMALL }))
      yield* uplink.cut
      yield* publish("sweep.hosts", ["one", "two", "x".repeat(2 * SMALL), "three"])
      yield* uplink.restore
      yield* awaitStored("sweep.hosts", 3)
      assert.deepStrictEqual(yield* stored("sweep.hosts"), ["one", "two", "three"])
      assert.strictEqual(yield* relay.metric("given_up_total"), 1)
    })
  )
})
