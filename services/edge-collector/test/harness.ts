/**
 * A collector as it is deployed: a process of its own, with a tenant's credentials, against a server in operator mode.
 */

import { createSocket } from "node:dgram"
import { writeFileSync } from "node:fs"
import { connect as connectTcp, type Socket } from "node:net"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { credsFile } from "@bulkhead/accounts"
import { startInstallation, type TestInstallation, temporaryFolder } from "@bulkhead/accounts/testing"
import { freePort, startServerProcess } from "@bulkhead/devstack"
import { jetstream } from "@nats-io/jetstream"
import { Effect, Redacted } from "effect"

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url))

/** A server with the tenant `acme`, and the environment of its collector. */
export const startPlatform = Effect.gen(function* () {
  const installation = yield* startInstallation()
  const acme = yield* installation.onboard("acme")
  const { claims, key } = yield* acme.user("collector")
  const folder = yield* temporaryFolder
  const creds = join(folder, "acme.creds")
  writeFileSync(creds, Redacted.value(credsFile(claims, key)))
  return { installation, environment: { NATS_URL: installation.server.url, NATS_CREDS_FILE: creds } }
})

/** What the tenant's stream has, oldest first. */
export const messagesOf = (installation: TestInstallation) =>
  Effect.tryPromise(async () => {
    const consumer = await jetstream(installation.platform).consumers.get("events-acme")
    const { num_pending: messages } = await consumer.info()
    const found: Array<{ readonly subject: string; readonly data: Uint8Array }> = []
    if (messages === 0) return found
    for await (const message of await consumer.fetch({ max_messages: messages })) {
      found.push({ subject: message.subject, data: message.data })
      if (found.length === messages) break
    }
    return found
  })

/** The short messages of the syslog in the tenant's stream, in order. */
export const textsOf = (installation: TestInstallation) =>
  Effect.map(messagesOf(installation), (messages) =>
    messages
      .filter(({ subject }) => subject === "acme.logs.syslog")
      .map(({ data }): string => JSON.parse(new TextDecoder().decode(data)).short_message)
  )

/** Starts a collector that listens for `ports`; its buffer is in a new folder, and stays over restarts. */
export const startCollector = Effect.fnUntraced(function* <Ports extends string>(
  environment: Readonly<Record<string, string>>,
  names: ReadonlyArray<Ports>
) {
  const folder = join(yield* temporaryFolder, "buffer")
  const ports: Partial<Record<string, number>> = {}
  for (const name of [...names, "OPS_PORT"]) ports[name] = yield* freePort
  const asText = Object.fromEntries(Object.entries(ports).map(([name, port]) => [name, String(port)]))
  const child = yield* startServerProcess({
    component: "edge-collector",
    command: process.execPath,
    args: ["--conditions=@bulkhead/source", main],
    env: { EDGE_LISTEN_HOST: "127.0.0.1", EDGE_BUFFER_FOLDER: folder, LOG_FORMAT: "json", ...environment, ...asText },
    stopSignal: "SIGTERM",
    isReady: (line) => line.includes('"started"')
  })
  const opsUrl = `http://127.0.0.1:${ports.OPS_PORT}`
  return {
    ...child,
    folder,
    port: (name: Ports) => ports[name] ?? 0,
    ready: Effect.promise(
      async () => (await (await fetch(`${opsUrl}/readyz`)).json()) as { checks: Record<string, string> }
    ),
    /** The sum of the samples whose line begins so. */
    metric: (line: string) =>
      Effect.promise(async () => {
        const text = await (await fetch(`${opsUrl}/metrics`)).text()
        const samples = text.split("\n").filter((each) => each.startsWith(line))
        return samples.reduce((sum, each) => sum + Number(each.slice(each.lastIndexOf(" "))), 0)
      })
  }
})

export const sendDatagrams = (port: number, datagrams: ReadonlyArray<string | Uint8Array>) =>
  Effect.promise(
    () =>
      new Promise<void>((resolve) => {
        const socket = createSocket("udp4")
        let left = datagrams.length
        for (const datagram of datagrams) {
          socket.send(datagram, port, "127.0.0.1", () => {
            left -= 1
            if (left === 0) socket.close(() => resolve())
          })
        }
      })
  )

export const connectTo = (port: number) =>
  Effect.acquireRelease(
    Effect.callback<Socket>((resume) => {
      const socket = connectTcp(port, "127.0.0.1", () => resume(Effect.succeed(socket)))
      socket.on("error", () => undefined)
    }),
    (socket) => Effect.sync(() => void socket.destroy())
  )
