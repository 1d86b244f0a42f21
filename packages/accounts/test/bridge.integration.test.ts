import { waitUntil } from "@bulkhead/devstack"
import { assert, describe, it } from "@effect/vitest"
import { jetstream, jetstreamManager } from "@nats-io/jetstream"
import type { NatsConnection } from "@nats-io/transport-node"
import { Effect } from "effect"
import { startInstallation } from "../testing/installation.ts"

const publish = (from: NatsConnection, subject: string, messageId: string) =>
  Effect.tryPromise(() => jetstream(from).publish(subject, "{}", { msgID: messageId, timeout: 1_000 }))

describe("the bridge", () => {
  it.live("puts the tenant before the subject, and brings the stream's acknowledgement and deduplication back", () =>
    Effect.gen(function* () {
      const installation = yield* startInstallation()
      const acme = yield* installation.onboard("acme")
      const collector = yield* acme.connectAs("collector")
      assert.deepInclude(yield* publish(collector, "events.poller.health", "one"), { stream: "events-acme", seq: 1 })
      assert.isTrue((yield* publish(collector, "events.poller.health", "one")).duplicate)
      const message = yield* Effect.promise(async () =>
        (await jetstreamManager(installation.platform)).streams.getMessage("events-acme", { seq: 1 })
      )
      assert.strictEqual(message?.subject, "acme.events.poller.health")
    })
  )

  it.live("lets two tenants publish the same subject, each into its own stream", () =>
    Effect.gen(function* () {
      const installation = yield* startInstallation()
      const acme = yield* (yield* installation.onboard("acme")).connectAs("collector")
      const globex = yield* (yield* installation.onboard("globex")).connectAs("collector")
      yield* publish(acme, "logs.syslog", "1")
      yield* publish(globex, "logs.syslog", "1")
      yield* publish(globex, "logs.syslog", "2")
      assert.strictEqual(yield* installation.stored("acme"), 1)
      assert.strictEqual(yield* installation.stored("globex"), 2)
    })
  )

  it.live("gives a tenant its processed messages back under platform, and no other tenant's", () =>
    Effect.gen(function* () {
      const installation = yield* startInstallation()
      const acme = yield* (yield* installation.onboard("acme")).connectAs("viewer")
      yield* installation.onboard("globex")
      const seen: Array<string> = []
      acme.subscribe("platform.>", { callback: (_, message) => void seen.push(message.subject) })
      yield* Effect.promise(() => acme.flush())
      for (const subject of ["globex.logs.syslog.processed", "acme.logs.syslog", "acme.logs.syslog.processed"]) {
        installation.platform.publish(subject, "{}")
      }
      yield* waitUntil(
        "the processed log",
        Effect.sync(() => seen.length > 0)
      )
      assert.deepStrictEqual(seen, ["platform.logs.syslog.processed"])
    })
  )
})
