/**
 * Syslog over UDP, TCP and TLS, published on `logs.syslog`. A connection is read only as fast as the buffer takes what
 * it brings; datagrams that the buffer cannot take are dropped and counted.
 */
import { createServer, type Server, type Socket } from "node:net"
import { createServer as createTlsServer } from "node:tls"
import { CHANNELS } from "@bulkhead/channels"
import { Effect, Layer } from "effect"
import { EdgeBuffer } from "./EdgeBuffer.ts"
import { EdgeConfig } from "./EdgeConfig.ts"
import { EdgeMetrics } from "./EdgeMetrics.ts"
import { listenTcp, listenUdp } from "./listen.ts"
import { parseSyslog } from "./parseSyslog.ts"
import { type Frame, SyslogFrames } from "./SyslogFrames.ts"
import { readTlsFiles, serverOptions } from "./tlsFiles.ts"

type StreamSource = "syslog_tcp" | "syslog_tls"

/** What a socket gives at a time. */
const CHUNK_BYTES = 64 * 1024
/** A sender that says nothing for so long is gone. */
const IDLE_MS = 3_600_000

const encoder = new TextEncoder()

const make = Effect.gen(function* () {
  const { host, partition, syslog } = yield* EdgeConfig
  const buffer = yield* EdgeBuffer
  const metrics = yield* EdgeMetrics
  const run = Effect.runPromiseWith(yield* Effect.context<never>())

  const messageOf = (bytes: Uint8Array, address: string) => {
    const record = parseSyslog(bytes, { receivedAtMs: Date.now(), address, partition })
    return { subject: CHANNELS.syslog.subject, payload: encoder.encode(JSON.stringify(record)) }
  }

  const onDatagram = (bytes: Buffer, { address }: { readonly address: string }) => {
    if (bytes.byteLength === 0) return metrics.dropped("syslog_udp", "empty", 1)
    if (bytes.byteLength > syslog.lineBytesMax) metrics.truncated("syslog_udp")
    void buffer.takeOrDrop("syslog_udp", [messageOf(bytes.subarray(0, syslog.lineBytesMax), address)])
  }

  const take = (source: StreamSource, frames: ReadonlyArray<Frame>, address: string) => {
    for (const frame of frames) if (frame.isTruncated) metrics.truncated(source)
    return run(
      buffer.takePatiently(
        source,
        frames.map((frame) => messageOf(frame.bytes, address))
      )
    )
  }

  // A message that is not whole yet and a chunk: as much a connection may hold while it waits for more memory.
  const connectionBytes = syslog.lineBytesMax + CHUNK_BYTES
  let heldBytes = 0

  /** Takes a connection's memory until it is closed. Half stays free of it: what all connections wait for must exist. */
  const holdConnection = (socket: Socket): boolean => {
    const { memory } = buffer
    if (heldBytes + connectionBytes > memory.bytesMax / 2 || !memory.tryTake(connectionBytes)) return false
    heldBytes += connectionBytes
    socket.once("close", () => {
      heldBytes -= connectionBytes
      memory.give(connectionBytes)
    })
    return true
  }

  const serve = async (source: StreamSource, socket: Socket) => {
    const address = socket.remoteAddress?.replace(/^::ffff:/, "") ?? "unknown"
    const frames = new SyslogFrames(syslog.lineBytesMax)
    socket.setTimeout(IDLE_MS, () => socket.destroy())
    try {
      // A chunk is asked for when the one before is kept: so the sender waits when the buffer does.
      for await (const chunk of socket) await take(source, frames.push(chunk), address)
      await take(source, frames.end(), address)
    } catch {
      // The sender broke the connection; what was whole is kept.
    } finally {
      socket.destroy()
    }
  }

  const open = Effect.fnUntraced(function* (source: StreamSource, port: number, variable: string, server: Server) {
    const sockets = new Set<Socket>()
    server.maxConnections = syslog.connectionsMax
    server.on("drop", () => metrics.dropped(source, "connections", 1))
    server.on("tlsClientError", () => metrics.dropped(source, "handshake", 1))
    server.on(source === "syslog_tls" ? "secureConnection" : "connection", (socket: Socket) => {
      if (!holdConnection(socket)) {
        metrics.dropped(source, "memory", 1)
        return socket.destroy()
      }
      sockets.add(socket.on("close", () => sockets.delete(socket)))
      void serve(source, socket)
    })
    yield* listenTcp({ host, port, variable }, server)
    yield* Effect.addFinalizer(() => Effect.sync(() => sockets.forEach((socket) => void socket.destroy())))
  })

  const openTls = Effect.fnUntraced(function* (port: number) {
    const files = yield* readTlsFiles(syslog, "EDGE_SYSLOG_TLS")
    yield* open("syslog_tls", port, "EDGE_SYSLOG_TLS_PORT", createTlsServer(serverOptions(files)))
  })

  const { udpPort, tcpPort, tlsPort } = syslog
  if (udpPort !== undefined) yield* listenUdp({ host, port: udpPort, variable: "EDGE_SYSLOG_UDP_PORT" }, onDatagram)
  if (tcpPort !== undefined) yield* open("syslog_tcp", tcpPort, "EDGE_SYSLOG_TCP_PORT", createServer())
  if (tlsPort !== undefined) yield* openTls(tlsPort)
})

export const SyslogListeners = Layer.effectDiscard(make)
