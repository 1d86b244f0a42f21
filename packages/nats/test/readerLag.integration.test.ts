import { startNatsServer } from "@bulkhead/devstack"
import { assert, describe, it } from "@effect/vitest"
import { AckPolicy, DeliverPolicy } from "@nats-io/jetstream"
import { Effect } from "effect"
import {
  ensureStream,
  type Nats,
  openBatchConsumer,
  planSharedStream,
  planTenantStream,
  readerLag,
  readerLags
} from "../src/index.ts"
import { acme, manager, natsOf, publishNumbered, slug } from "./fixtures.ts"
import { serverVersions } from "./versions.ts"

const versions = await serverVersions()
const settings = { maxAgeMs: 3_600_000 }
const limits = { rowsMax: 2, bytesMax: 1_000_000, ageMs: 50 }

describe.each(versions)("lag on nats-server $name", ({ options, isMissing }) => {
  const on = <A, E>(test: Effect.Effect<A, E, Nats>) =>
    Effect.gen(function* () {
      const server = yield* startNatsServer(options)
      return yield* Effect.provide(test, natsOf(server))
    })

  it.live.skipIf(isMissing)("is what a reader has not acknowledged, and how long the oldest of it has waited", () =>
    on(
      Effect.gen(function* () {
        const planned = planTenantStream({ tenant: acme, mode: "prefixed", settings }) ?? assert.fail()
        const { stream } = yield* ensureStream(planned)
        yield* publishNumbered("acme.logs.other", 3)
        yield* publishNumbered("acme.events.x", 5)
        yield* Effect.sleep(30)
        const seat = { stream, durable: "event-writer", filterSubjects: ["events.>", "acme.events.>"], ...limits }
        const consumer = yield* openBatchConsumer({ ...seat, afterSequence: 3 })
        const first = yield* consumer.take
        const behind = yield* readerLag(stream, "event-writer")
        assert.deepInclude(behind, { stream, consumer: "event-writer", tenant: acme })
        assert.strictEqual((behind?.pending ?? 0) + (behind?.ackPending ?? 0), 5)
        assert.isAtLeast(behind?.oldestAgeMs ?? 0, 30)
        yield* consumer.ackThrough(first.at(-1)?.sequence ?? 0)
        yield* consumer.take
        const last = yield* consumer.take
        yield* consumer.ackThrough(last.at(-1)?.sequence ?? 0)
        const done = yield* Effect.repeat(readerLag(stream, "event-writer"), {
          until: (lag) => lag?.ackPending === 0
        })
        assert.deepInclude(done, { pending: 0, ackPending: 0, oldestAgeMs: undefined, deliveredThrough: 8 })
        assert.isUndefined(yield* readerLag(stream, "nobody"))
        assert.isUndefined(yield* readerLag("nowhere", "nobody"))
      }).pipe(Effect.scoped)
    )
  )

  it.live.skipIf(isMissing)("is told of every reader of a stream, with the tenant whose messages it reads", () =>
    on(
      Effect.gen(function* () {
        const tenants = [slug("globex"), acme]
        const { stream } = yield* ensureStream(planSharedStream({ tenants, mode: "both", settings }))
        const api = yield* manager
        const readers = [
          { durable_name: "of-acme", filter_subjects: ["acme.events.>"] },
          { durable_name: "of-default", filter_subjects: ["default.events.>", "events.>"] },
          { durable_name: "of-all", filter_subjects: ["*.events.x", "events.x"] },
          { durable_name: "debug" },
          { durable_name: "syslog", filter_subject: "globex.logs.syslog" }
        ]
        for (const reader of readers) {
          yield* Effect.promise(() =>
            api.consumers.add(stream, { ...reader, ack_policy: AckPolicy.Explicit, deliver_policy: DeliverPolicy.All })
          )
        }
        yield* publishNumbered("acme.events.x", 2)
        yield* publishNumbered("events.x", 1)
        const lags = yield* readerLags(stream)
        assert.deepStrictEqual(lags.map(({ consumer, tenant, pending }) => [consumer, tenant, pending]).sort(), [
          ["debug", undefined, 3],
          ["of-acme", "acme", 2],
          ["of-all", undefined, 3],
          ["of-default", "default", 1],
          ["syslog", "globex", 0]
        ])
        const waits = lags.filter(({ oldestAgeMs }) => oldestAgeMs !== undefined).map(({ consumer }) => consumer)
        assert.deepStrictEqual(waits.sort(), ["debug", "of-acme", "of-all", "of-default"])
        assert.deepStrictEqual(yield* readerLags("nowhere"), [])
      })
    )
  )
})
