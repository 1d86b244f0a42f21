/** What the tests on a real bucket share. */
import type { TenantSlug } from "@bulkhead/channels"
import type { RunningNatsServer } from "@bulkhead/devstack"
import { Kvm } from "@nats-io/kv"
import { connect } from "@nats-io/transport-node"
import { Effect, Layer, Logger } from "effect"
import { FlagStore, Flags } from "../src/index.ts"

export const acme = "acme" as TenantSlug
export const globex = "globex" as TenantSlug

export const connectTo = (server: RunningNatsServer) =>
  Effect.acquireRelease(
    Effect.promise(() => connect({ servers: server.url, maxReconnectAttempts: -1, reconnectTimeWait: 100 })),
    (open) => Effect.promise(() => open.close())
  )

/** A reader on a connection of its own. */
export const readerOf = Effect.fnUntraced(function* (server: RunningNatsServer) {
  const connection = yield* connectTo(server)
  const flags = yield* Effect.provideContext(Flags, yield* Layer.build(Flags.layerKv(Effect.succeed(connection))))
  return { flags, connection }
})

/** A writer on a connection of its own, and the bucket itself to write past it. */
export const writerOf = Effect.fnUntraced(function* (server: RunningNatsServer) {
  const connection = yield* connectTo(server)
  const writer = yield* Effect.provideContext(
    FlagStore,
    yield* Layer.build(FlagStore.layer(Effect.succeed(connection)))
  )
  const bucket = yield* Effect.promise(() => new Kvm(connection).open("bulkhead-flags"))
  return { writer, bucket, connection }
})

/** A reader, a writer and the bucket. */
export const open = Effect.fnUntraced(function* (server: RunningNatsServer) {
  const { writer, bucket } = yield* writerOf(server)
  const { flags, connection } = yield* readerOf(server)
  return { flags, writer, bucket, connection }
})

/** The messages that were logged. */
export const logged = (): { readonly lines: Array<string>; readonly layer: Layer.Layer<never> } => {
  const lines: Array<string> = []
  return { lines, layer: Logger.layer([Logger.make(({ message }) => void lines.push(String(message)))]) }
}
