import type { TenantSlug } from "@bulkhead/channels"
import { startNatsServer } from "@bulkhead/devstack"
import { type Flag, Flags } from "@bulkhead/flags"
import { withTenant } from "@bulkhead/tenancy"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option, Redacted, Stream } from "effect"
import {
  EventPublisher,
  ensureStream,
  Nats,
  openBatchConsumer,
  type PublishOptions,
  publisherSpan
} from "../src/index.ts"
import { acme, bytes, manager, natsOf, publisherOf, slug, text } from "./fixtures.ts"

const acmeStream = { name: "events-acme", subjects: ["acme.events.>"], maxAgeMs: 0 }

/** acme may publish under its prefix and nowhere else; one subject of it is mapped to somewhere else. */
const guarded = `
accounts {
  platform {
    jetstream: enabled
    mappings: { "acme.events.mapped": "other.acme.events.mapped" }
    users: [
      { user: admin, password: admin-pass }
      { user: acme, password: acme-pass, permissions: { publish: ["acme.>"], subscribe: ["_INBOX_acme.>"] } }
    ]
  }
}`

describe("EventPublisher", () => {
  it.live("publishes under the tenant's prefix and says where the message is", () =>
    Effect.gen(function* () {
      const server = yield* startNatsServer()
      yield* Effect.gen(function* () {
        yield* ensureStream(acmeStream)
        const publisher = yield* EventPublisher
        const ack = yield* publisher
          .publish("events.poller", bytes("hello"), { headers: { "X-Kind": "test" } })
          .pipe(withTenant({ slug: acme }), Effect.withSpan("caller"))
        assert.deepStrictEqual(ack, { stream: "events-acme", sequence: 1, duplicate: false })
        const api = yield* manager
        const stored = yield* Effect.promise(() => api.streams.getMessage("events-acme", { seq: 1 }))
        assert.strictEqual(stored?.subject, "acme.events.poller")
        assert.strictEqual(text(stored?.data ?? bytes("")), "hello")
        assert.strictEqual(stored?.header.get("X-Kind"), "test")
        assert.match(stored?.header.get("Nats-Msg-Id") ?? "", /^[0-9a-f-]{36}$/)
        assert.match(stored?.header.get("traceparent") ?? "", /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/)
      }).pipe(Effect.provide(publisherOf(server)))
    })
  )

  it.live("publishes on the bare subject where the flag is off", () =>
    Effect.gen(function* () {
      const server = yield* startNatsServer()
      yield* Effect.gen(function* () {
        yield* ensureStream({ name: "events-default", subjects: ["events.>"], maxAgeMs: 0 })
        const publisher = yield* EventPublisher
        const ack = yield* publisher.publishWithTenant(acme, "events.poller", bytes("hello"))
        assert.strictEqual(ack.stream, "events-default")
      }).pipe(Effect.provide(publisherOf(server, { prefix: false })))
    })
  )

  it.live("follows the flag of each tenant while it runs", () =>
    Effect.gen(function* () {
      const server = yield* startNatsServer()
      const prefixed = new Set<string | undefined>()
      const flags = Layer.succeed(
        Flags,
        Flags.of({
          get: <A>(_: Flag<A>, tenant?: string) => Effect.sync(() => prefixed.has(tenant) as A),
          changes: () => Stream.never,
          settings: () => Effect.die("nobody asks")
        })
      )
      yield* Effect.gen(function* () {
        yield* ensureStream(acmeStream)
        yield* ensureStream({ name: "events-default", subjects: ["events.>", "default.events.>"], maxAgeMs: 0 })
        const publisher = yield* EventPublisher
        const streamOf = (tenant: TenantSlug) =>
          Effect.map(publisher.publishWithTenant(tenant, "events.a", bytes("x")), (ack) => ack.stream)
        assert.strictEqual(yield* streamOf(acme), "events-default")
        prefixed.add("acme")
        assert.strictEqual(yield* streamOf(acme), "events-acme")
        assert.strictEqual(yield* streamOf(slug("other")), "events-default")
        prefixed.delete("acme")
        assert.strictEqual(yield* streamOf(acme), "events-default")
      }).pipe(
        Effect.provide(EventPublisher.layerWith({}).pipe(Layer.provideMerge(natsOf(server)), Layer.provide(flags)))
      )
    })
  )

  it.live("lets a reader go on with the trace of the publisher", () =>
    Effect.gen(function* () {
      const server = yield* startNatsServer()
      yield* Effect.gen(function* () {
        const { stream } = yield* ensureStream(acmeStream)
        const publisher = yield* EventPublisher
        const traceId = yield* publisher
          .publishWithTenant(acme, "events.a", bytes("x"))
          .pipe(Effect.andThen(Effect.map(Effect.currentSpan, (span) => span.traceId)), Effect.withSpan("caller"))
        const limits = { rowsMax: 10, bytesMax: 1_000, ageMs: 1 }
        const consumer = yield* openBatchConsumer({ stream, durable: "reader", afterSequence: 0, ...limits })
        const [message] = yield* consumer.take
        assert.strictEqual(Option.getOrThrow(publisherSpan(message ?? { headers: {} })).traceId, traceId)
      }).pipe(Effect.scoped, Effect.provide(publisherOf(server)))
    })
  )

  it.live("stores a repeated message id once", () =>
    Effect.gen(function* () {
      const server = yield* startNatsServer()
      yield* Effect.gen(function* () {
        yield* ensureStream(acmeStream)
        const publisher = yield* EventPublisher
        const publish = publisher.publishWithTenant(acme, "events.a", bytes("x"), { messageId: "one" })
        assert.isFalse((yield* publish).duplicate)
        assert.deepStrictEqual(yield* publish, { stream: "events-acme", sequence: 1, duplicate: true })
      }).pipe(Effect.provide(publisherOf(server)))
    })
  )

  it.live("keeps at most the given number of messages in flight", () =>
    Effect.gen(function* () {
      const server = yield* startNatsServer()
      yield* Effect.gen(function* () {
        yield* ensureStream(acmeStream)
        const publisher = yield* EventPublisher
        const acks = yield* Effect.forEach(
          Array.from({ length: 500 }, (_, index) => index),
          () => publisher.publishWithTenant(acme, "events.a", bytes("x")),
          { concurrency: "unbounded" }
        )
        assert.deepStrictEqual(
          acks.map((ack) => ack.sequence),
          acks.map((_, index) => index + 1),
          "one at a time keeps the order"
        )
      }).pipe(Effect.provide(publisherOf(server, { inFlightMax: 1 })))
    })
  )

  describe("a message that cannot be stored", () => {
    const failureOf = (subject: string, data = bytes("x")) =>
      Effect.gen(function* () {
        const publisher = yield* EventPublisher
        return yield* Effect.flip(publisher.publishWithTenant(acme, subject, data))
      })

    it.live("InvalidSubject: the base subject has no root or a wildcard", () =>
      Effect.gen(function* () {
        const server = yield* startNatsServer()
        yield* Effect.gen(function* () {
          for (const subject of ["", "acme.events.a", "events.*", "events.a b", "nothing.a"]) {
            const error = yield* failureOf(subject)
            assert.strictEqual(error.reason._tag, "InvalidSubject", subject)
            assert.isFalse(error.isRetryable)
          }
        }).pipe(Effect.provide(publisherOf(server)))
      })
    )

    it.live("StreamMissing: no stream takes the subject, until it is made", () =>
      Effect.gen(function* () {
        const server = yield* startNatsServer()
        yield* Effect.gen(function* () {
          const error = yield* failureOf("events.a")
          assert.strictEqual(error.reason._tag, "StreamMissing")
          assert.isTrue(error.isRetryable)
          assert.include(error.message, '"acme.events.a"')
          yield* ensureStream(acmeStream)
          const publisher = yield* EventPublisher
          yield* publisher.publishWithTenant(acme, "events.a", bytes("x"))
        }).pipe(Effect.provide(publisherOf(server, { deliveryTimeoutMs: 2_000 })))
      })
    )

    it.live("PayloadTooLarge: names both figures, and counts as the server does", () =>
      Effect.gen(function* () {
        const server = yield* startNatsServer({ config: "max_payload: 1000" })
        yield* Effect.gen(function* () {
          yield* ensureStream(acmeStream)
          const error = yield* failureOf("events.a", new Uint8Array(2_000))
          if (error.reason._tag !== "PayloadTooLarge") throw error
          assert.strictEqual(error.reason.bytesMax, 1_000)
          const overhead = error.reason.bytes - 2_000
          assert.include(error.message, `${error.reason.bytes} bytes`)
          assert.include(error.message, "1000")
          const publisher = yield* EventPublisher
          yield* publisher.publishWithTenant(acme, "events.a", new Uint8Array(1_000 - overhead))
          assert.strictEqual(
            (yield* failureOf("events.a", new Uint8Array(1_001 - overhead))).reason._tag,
            "PayloadTooLarge"
          )
        }).pipe(Effect.provide(publisherOf(server)))
      })
    )

    it.live("MessageRefused: a header or the message id is malformed", () =>
      Effect.gen(function* () {
        const server = yield* startNatsServer()
        yield* Effect.gen(function* () {
          const publisher = yield* EventPublisher
          const malformed: ReadonlyArray<PublishOptions> = [
            { messageId: "" },
            { messageId: "a\r\nb" },
            { headers: { "two words": "x" } },
            { headers: { "X-Kind": "a\nb" } }
          ]
          for (const options of malformed) {
            const error = yield* Effect.flip(publisher.publishWithTenant(acme, "events.a", bytes("x"), options))
            assert.strictEqual(error.reason._tag, "MessageRefused", JSON.stringify(options))
            assert.isFalse(error.isRetryable)
          }
        }).pipe(Effect.timeout("2 seconds"), Effect.provide(publisherOf(server)))
      })
    )

    it.live("MessageRefused: at once, when the stream's own rules forbid it", () =>
      Effect.gen(function* () {
        const server = yield* startNatsServer()
        yield* Effect.gen(function* () {
          const api = yield* manager
          yield* Effect.promise(() =>
            api.streams.add({ name: "narrow", subjects: ["acme.events.>"], max_msg_size: 500 })
          )
          const error = yield* failureOf("events.a", new Uint8Array(1_000))
          assert.strictEqual(error.reason._tag, "MessageRefused")
          assert.include(error.message, "message size exceeds maximum")
        }).pipe(Effect.timeout("2 seconds"), Effect.provide(publisherOf(server)))
      })
    )

    it.live("StreamFull: the stream has reached its limit, and takes more when it is raised", () =>
      Effect.gen(function* () {
        const server = yield* startNatsServer()
        yield* Effect.gen(function* () {
          yield* ensureStream({ ...acmeStream, maxBytes: 1_000 })
          const error = yield* failureOf("events.a", new Uint8Array(2_000))
          assert.strictEqual(error.reason._tag, "StreamFull")
          assert.isTrue(error.isRetryable)
          assert.include(error.message, "maximum bytes exceeded")
          yield* ensureStream({ ...acmeStream, maxBytes: 10_000 })
          const publisher = yield* EventPublisher
          yield* publisher.publishWithTenant(acme, "events.a", new Uint8Array(2_000))
        }).pipe(Effect.provide(publisherOf(server, { deliveryTimeoutMs: 2_000 })))
      })
    )

    it.live("PublishTimeout: somebody listens, but no stream answers", () =>
      Effect.gen(function* () {
        const server = yield* startNatsServer()
        yield* Effect.gen(function* () {
          const connection = yield* (yield* Nats).connection
          connection.subscribe("acme.events.>")
          const error = yield* failureOf("events.a")
          assert.strictEqual(error.reason._tag, "PublishTimeout")
          assert.isTrue(error.isRetryable)
          assert.include(error.message, "within 500 ms")
          assert.include(error.message, "no acknowledgement within")
        }).pipe(Effect.provide(publisherOf(server, { deliveryTimeoutMs: 500, ackTimeoutMs: 150 })))
      })
    )

    const startGuardedServer = Effect.gen(function* () {
      const server = yield* startNatsServer({ config: guarded })
      const admin = { user: "admin", password: Redacted.make("admin-pass") }
      yield* ensureStream({ name: "all", subjects: ["acme.events.>", "other.>"], maxAgeMs: 0 }).pipe(
        Effect.provide(natsOf(server, admin))
      )
      return server
    })
    const asAcme = { user: "acme", password: Redacted.make("acme-pass"), inboxPrefix: "_INBOX_acme" }

    it.live("PermissionDenied: at once, although the client alone would time out", () =>
      Effect.gen(function* () {
        const server = yield* startGuardedServer
        yield* Effect.gen(function* () {
          const publisher = yield* EventPublisher
          yield* publisher.publishWithTenant(acme, "events.a", bytes("mine"))
          const error = yield* Effect.flip(publisher.publishWithTenant(slug("other"), "events.a", bytes("x")))
          assert.strictEqual(error.reason._tag, "PermissionDenied")
          assert.isFalse(error.isRetryable)
          assert.include(error.message, 'may not publish to "other.events.a"')
        }).pipe(Effect.timeout("2 seconds"), Effect.provide(publisherOf(server, { nats: asAcme })))
      })
    )

    it.live("PermissionDenied: also where the account maps the subject, and the server names the mapped one", () =>
      Effect.gen(function* () {
        const server = yield* startGuardedServer
        yield* Effect.gen(function* () {
          const error = yield* failureOf("events.mapped")
          assert.strictEqual(error.reason._tag, "PermissionDenied")
          assert.include(error.message, '"other.acme.events.mapped"')
        }).pipe(Effect.timeout("2 seconds"), Effect.provide(publisherOf(server, { nats: asAcme })))
      })
    )

    it.live("PermissionDenied: when the user may not receive the acknowledgement", () =>
      Effect.gen(function* () {
        const server = yield* startGuardedServer
        yield* Effect.gen(function* () {
          const error = yield* failureOf("events.a")
          assert.strictEqual(error.reason._tag, "PermissionDenied")
          assert.include(error.message, "may not subscribe to")
        }).pipe(
          Effect.timeout("2 seconds"),
          Effect.provide(publisherOf(server, { nats: { ...asAcme, inboxPrefix: "_INBOX_other" } }))
        )
      })
    )
  })
})
