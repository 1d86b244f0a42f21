/**
 * A customer's web shop, as the poller sees it: an HTTP server that answers 200, and for a while of every minute 503,
 * so that somebody who watches sees state changes and not only heartbeats.
 */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { Clock, Effect, type Scope } from "effect"

const CYCLE_MS = 60_000
const OUTAGE_MS = 10_000

/** Starts the site of the `index`-th tenant; outages of different tenants do not coincide. Gives its URL. */
export const startDemoSite = (index: number): Effect.Effect<string, never, Scope.Scope> =>
  Effect.gen(function* () {
    const clock = yield* Clock.Clock
    const isDown = () => (clock.currentTimeMillisUnsafe() + index * (CYCLE_MS / 3)) % CYCLE_MS < OUTAGE_MS
    const server = yield* Effect.acquireRelease(
      Effect.callback<ReturnType<typeof createServer>>((resume) => {
        const server = createServer((_, response) => response.writeHead(isDown() ? 503 : 200).end())
        server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
      }),
      (server) =>
        Effect.callback<void>((resume) => {
          server.close(() => resume(Effect.void))
          server.closeAllConnections()
        })
    )
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  })
