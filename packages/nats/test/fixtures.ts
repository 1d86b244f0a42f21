import { parseSlug, type TenantSlug } from "@bulkhead/channels"
import type { RunningNatsServer } from "@bulkhead/devstack"
import { flagsLayerTest } from "@bulkhead/flags/testing"
import { jetstreamManager } from "@nats-io/jetstream"
import { Effect, Layer } from "effect"
import { EventPublisher, Nats, type NatsOptions, type PublisherOptions } from "../src/index.ts"

export const slug = (text: string): TenantSlug => {
  const parsed = parseSlug(text)
  if (parsed instanceof Error) throw parsed
  return parsed
}

export const acme = slug("acme")

export const natsOf = (server: RunningNatsServer, options: Partial<NatsOptions> = {}) =>
  Nats.layerWith({ servers: [server.url], ...options })

/** A publisher that prefixes, and the connection below it. */
export const publisherOf = (
  server: RunningNatsServer,
  options: PublisherOptions & { readonly nats?: Partial<NatsOptions>; readonly prefix?: boolean } = {}
) =>
  EventPublisher.layerWith(options).pipe(
    Layer.provideMerge(natsOf(server, options.nats)),
    Layer.provide(flagsLayerTest({ NATS_TENANT_PREFIX_ENABLED: options.prefix ?? true }))
  )

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
export const text = (data: Uint8Array): string => new TextDecoder().decode(data)

/** The server's own view, over the connection under test. */
export const manager = Effect.gen(function* () {
  const connection = yield* (yield* Nats).connection
  return yield* Effect.promise(() => jetstreamManager(connection, { checkAPI: false }))
})

/** Publishes `count` numbered messages and waits until they are stored. */
export const publishNumbered = (subject: string, count: number, sizeBytes = 0) =>
  Effect.gen(function* () {
    const connection = yield* (yield* Nats).connection
    yield* Effect.promise(async () => {
      for (let from = 0; from < count; from += 1_000) {
        const size = Math.min(1_000, count - from)
        await Promise.all(
          Array.from({ length: size }, (_, index) =>
            connection.request(subject, `${from + index}`.padEnd(sizeBytes, " "), { timeout: 10_000 })
          )
        )
      }
    })
  })
