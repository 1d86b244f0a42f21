/**
 * A collector as it is deployed: a process of its own, with a tenant's credentials, against a server in operator mode.
 */

import { execFileSync } from "node:child_process"
import { createSocket } from "node:dgram"
import { readFileSync, writeFileSync } from "node:fs"
import { connect as connectTcp, type Socket } from "node:net"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { credsFile, type TenantRole } from "@bulkhead/accounts"
import { startInstallation, type TestInstallation, temporaryFolder } from "@bulkhead/accounts/testing"
import { freePort, startServerProcess } from "@bulkhead/devstack"
import { jetstream } from "@nats-io/jetstream"
import { Effect, Redacted } from "effect"

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url))

/** A server with the tenant `acme`, and the environment of its collector. */
export const startPlatform = Effect.gen(function* () {
  const installation = yield* startInstallation()
  const acme = yield* installation.onboard("acme")
  const folder = yield* temporaryFolder
  const environmentOf = Effect.fnUntraced(function* (role: TenantRole) {
    const { claims, key } = yield* acme.user(role)
    const creds = join(folder, `${role}.creds`)
    writeFileSync(creds, Redacted.value(credsFile(claims, key)))
    return { NATS_URL: installation.server.url, NATS_CREDS_FILE: creds }
  })
  return { installation, environmentOf, environment: yield* environmentOf("collector") }
})

/** What the tenant's stream has on some subjects, oldest first. */
export const messagesOf = (installation: TestInstallation, ...subjects: ReadonlyArray<string>) =>
  Effect.tryPromise(async () => {
    const filter_subjects = subjects.map((subject) => `acme.${subject}`)
    const consumer = await jetstream(installation.platform).consumers.get("events-acme", { filter_subjects })
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
  Effect.map(messagesOf(installation, "logs.syslog"), (messages) =>
    messages.map(({ data }): string => JSON.parse(new TextDecoder().decode(data)).short_message)
  )

/** A certificate for localhost that is its own authority, in PEM files. */
export const selfSigned = Effect.gen(function* () {
  const folder = yield* temporaryFolder
  const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")]
  const request = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"]
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
  execFileSync("openssl", [...request, ...subject, "-keyout", key, "-out", cert], { stdio: "ignore" })
  return { cert, key }
})

/** The sum of the samples whose line begins so. */
export const sumOf = (metrics: string, line: string): number =>
  metrics
    .split("\n")
    .filter((each) => each.startsWith(line))
    .reduce((sum, each) => sum + Number(each.slice(each.lastIndexOf(" "))), 0)

/** Starts a collector that listens for `ports`; its buffer is in a new folder, or that given, and stays over restarts. */
export const startCollector = Effect.fnUntraced(function* <Ports extends string>(
  environment: Readonly<Record<string, string>>,
  names: ReadonlyArray<Ports>,
  sharedFolder?: string
) {
  const folder = sharedFolder ?? join(yield* temporaryFolder, "buffer")
  const logFile = join(yield* temporaryFolder, "edge-collector.log")
  const ports: Partial<Record<string, number>> = {}
  for (const name of [...names, "OPS_PORT"]) ports[name] = yield* freePort
  const asText = Object.fromEntries(Object.entries(ports).map(([name, port]) => [name, String(port)]))
  const child = yield* startServerProcess({
    component: "edge-collector",
    command: process.execPath,
    args: ["--conditions=@bulkhead/source", main],
    env: { EDGE_LISTEN_HOST: "127.0.0.1", EDGE_BUFFER_FOLDER: folder, LOG_FORMAT: "json", ...environment, ...asText },
    stopSignal: "SIGTERM",
    isReady: (line) => line.includes('"started"'),
    logFile,
    readyTimeoutMs: 60_000
  })
  const opsUrl = `http://127.0.0.1:${ports.OPS_PORT}`
  return {
    ...child,
    folder,
    log: () => readFileSync(logFile, "utf8"),
    port: (name: Ports) => ports[name] ?? 0,
    ready: Effect.promise(
      async () => (await (await fetch(`${opsUrl}/readyz`)).json()) as { checks: Record<string, string> }
    ),
    metric: (line: string) => Effect.promise(async () => sumOf(await (await fetch(`${opsUrl}/metrics`)).text(), line))
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

export const numbered = (name: string, count: number) => Array.from({ length: count }, (_, at) => `${name} ${at}`)
/** Texts as lines of syslog. */
export const lines = (texts: ReadonlyArray<string>) => texts.map((text) => `<14>${text}\n`).join("")
