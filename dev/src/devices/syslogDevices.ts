/** A router that speaks syslog over UDP, and a firewall that speaks it over TCP. */
import { createSocket } from "node:dgram"
import { connect, type Socket } from "node:net"
import { Effect } from "effect"

/** Facility local0, informational, RFC 5424. */
const line = (host: string, text: string): string => `<134>1 ${new Date().toISOString()} ${host} demo - - - ${text}`

/** Sends a datagram at each call. */
export const startRouter = Effect.fnUntraced(function* (host: string, port: number) {
  const socket = yield* Effect.acquireRelease(
    Effect.sync(() => createSocket("udp4")),
    (open) => Effect.sync(() => open.close())
  )
  return () => socket.send(line(host, `${host}: interface ge-0/0/1 is up`), port, "127.0.0.1")
})

/** Sends a line at each call; a connection that broke is made anew. */
export const startFirewall = Effect.fnUntraced(function* (host: string, port: number) {
  let socket: Socket | undefined
  yield* Effect.addFinalizer(() => Effect.sync(() => socket?.destroy()))
  return () => {
    // What fails closes the socket, and the next call finds it so.
    if (socket === undefined || socket.destroyed) socket = connect(port, "127.0.0.1").on("error", () => undefined)
    socket.write(`${line(host, `${host}: accepted tcp 443`)}\n`)
  }
})
