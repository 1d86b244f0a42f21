/**
 * Opens the listeners' sockets, and closes them with the scope.
 */
import { createSocket, type RemoteInfo } from "node:dgram"
import type { Server } from "node:net"
import { PortTaken } from "@bulkhead/observability"
import { Effect } from "effect"

/** Where to listen, and the setting that says so. */
export interface Place {
  readonly host: string
  readonly port: number
  readonly variable: string
}

/** Datagrams that the system keeps for a collector that is busy. */
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024

/** Calls `onDatagram` with each datagram. Fails with `PortTaken`. */
export const listenUdp = (place: Place, onDatagram: (bytes: Buffer, from: RemoteInfo) => void) =>
  Effect.acquireRelease(
    Effect.callback<ReturnType<typeof createSocket>, PortTaken>((resume) => {
      const socket = createSocket({ type: place.host.includes(":") ? "udp6" : "udp4" })
      socket.once("error", (cause) => resume(Effect.fail(new PortTaken({ ...place, cause }))))
      socket.bind(place.port, place.host, () => {
        socket.removeAllListeners("error")
        // Of a socket that is bound, errors belong to single datagrams.
        socket.on("error", () => undefined)
        socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES)
        socket.on("message", onDatagram)
        resume(Effect.succeed(socket))
      })
    }),
    (socket) => Effect.sync(() => socket.close())
  )

/** Lets a server listen. Fails with `PortTaken`. */
export const listenTcp = (place: Place, server: Server) =>
  Effect.acquireRelease(
    Effect.callback<Server, PortTaken>((resume) => {
      server.once("error", (cause) => resume(Effect.fail(new PortTaken({ ...place, cause }))))
      server.listen(place.port, place.host, () => {
        server.removeAllListeners("error")
        server.on("error", () => undefined)
        resume(Effect.succeed(server))
      })
    }),
    (open) => Effect.sync(() => void open.close())
  )
