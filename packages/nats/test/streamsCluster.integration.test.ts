/** Copies and place of streams, which need servers that know each other. */
import { freePort, startNatsServer, waitUntil } from "@bulkhead/devstack"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { applyStreams, compareStreams, planStreams, type StreamSettings } from "../src/index.ts"
import { acme, manager, natsOf, publishNumbered } from "./fixtures.ts"

const NAMES = ["one", "two", "three"] as const

/** Three servers; only `two` has the tag `ssd`. */
const startCluster = Effect.gen(function* () {
  const ports = yield* Effect.all(NAMES.map(() => freePort))
  const routes = ports.map((port) => `nats-route://127.0.0.1:${port}`).join(", ")
  const servers = yield* Effect.forEach(NAMES, (name, index) =>
    startNatsServer({
      name,
      config: `server_tags: [${name === "two" ? "ssd" : "hdd"}]
        cluster { name: c1, listen: "127.0.0.1:${ports[index]}", routes: [${routes}] }`
    })
  )
  return servers[0] ?? assert.fail()
})

const planOf = (change: Partial<StreamSettings>) => {
  const settings = { maxBytes: 1_000_000, maxAgeMs: 86_400_000 }
  return planStreams("per-tenant", [{ slug: acme, settings: { ...settings, ...change } }], {
    mode: "prefixed",
    shared: settings
  })
}

describe("streams in a cluster", () => {
  it.live(
    "have as many copies as planned, where they are planned, and lose copies only when that is allowed",
    () =>
      Effect.gen(function* () {
        const server = yield* startCluster
        yield* Effect.gen(function* () {
          const onSsd = planOf({ placement: { tags: ["ssd"] } })
          yield* waitUntil(
            "the servers have a leader and know each other's tags",
            Effect.map(Effect.exit(applyStreams(onSsd)), ({ _tag }) => _tag === "Success"),
            "30 seconds"
          )
          const api = yield* manager
          const info = Effect.promise(() => api.streams.info("events-acme"))
          assert.strictEqual((yield* info).cluster?.leader, "two")
          assert.deepStrictEqual((yield* compareStreams(onSsd)).changes, [])

          const both = yield* Effect.flip(applyStreams(planOf({ replicas: 3, placement: {} })))
          assert.include(both.message, 'stream "events-acme" shall have other copies and another place')
          yield* applyStreams(planOf({ placement: {} }))
          yield* waitUntil(
            "it has moved, and is copied",
            Effect.map(Effect.exit(applyStreams(planOf({ replicas: 3 }))), ({ _tag }) => _tag === "Success"),
            "20 seconds"
          )
          assert.deepInclude((yield* info).config, { num_replicas: 3 })
          yield* waitUntil(
            "all copies are current",
            Effect.map(info, ({ cluster }) => cluster?.replicas?.filter(({ current }) => current).length === 2)
          )
          yield* publishNumbered("acme.events.x", 5)
          assert.deepStrictEqual((yield* compareStreams(planOf({}))).changes, [])

          const fewer = planOf({ replicas: 1 })
          const refusal = yield* Effect.flip(applyStreams(fewer))
          assert.include(refusal.message, 'copies-reduced of "events-acme": 1 instead of 3 servers hold it')
          yield* applyStreams(fewer, { allow: [{ risk: "copies-reduced" }] })
          assert.deepInclude((yield* info).config, { num_replicas: 1 })
          assert.strictEqual((yield* info).state.messages, 5)

          const nowhere = Effect.flip(applyStreams(planOf({ placement: { tags: ["tape"] } })))
          yield* waitUntil(
            "the copies are gone, and only the place is wrong",
            Effect.map(nowhere, ({ message }) =>
              /^0 of 1 changes were made, then "events-acme" failed \(no suitable peers/.test(message)
            )
          )
        }).pipe(Effect.provide(natsOf(server)))
      }),
    60_000
  )
})
