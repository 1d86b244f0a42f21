/**
 * The line between a site and the platform, for tests: it can be cut, and it can lose what comes back.
 */
import { connect, createServer, type Socket } from "node:net"
import { freePort } from "@bulkhead/devstack"
import { Effect } from "effect"

export const startUplink = Effect.fnUntraced(function* (hubPort: number) {
  const port = yield* freePort
  const open = new Set<Socket>()
  let isCut = false
  let isMute = false
  const join = (near: Socket) => {
    if (isCut) return near.destroy()
    const far = connect(hubPort, "127.0.0.1")
    for (const [one, other] of [
      [near, far],
      [far, near]
    ] as const) {
      open.add(one)
      one.on("data", (bytes) => {
        if (one === near || !isMute) other.write(bytes)
      })
      one.on("error", () => undefined)
      one.on("close", () => {
        open.delete(one)
        other.destroy()
      })
    }
  }
  const server = createServer(join)
  yield* Effect.acquireRelease(
    Effect.callback<void>((resume) => {
      server.listen(port, "127.0.0.1", () => resume(Effect.void))
    }),
    () => Effect.sync(() => server.close())
  )
  const hangUp = () => {
    for (const socket of open) socket.destroy()
  }
  yield* Effect.addFinalizer(() => Effect.sync(hangUp))
  return {
    port,
    /** Nothing gets through, and whoever is connected is cut. */
    cut: Effect.sync(() => {
      isCut = true
      hangUp()
    }),
    /** The platform gets everything, and its answers are lost. */
    mute: Effect.sync(() => {
      isMute = true
    }),
    restore: Effect.sync(() => {
      isCut = false
      isMute = false
      hangUp()
    })
  }
})

export type Uplink = Effect.Success<ReturnType<typeof startUplink>>
