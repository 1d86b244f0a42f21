/**
 * A customer's site on this machine: the package as an administrator gets it, installed by its own program, and what it
 * starts, as processes of their own behind a line that can be cut.
 */
import { execFile, execFileSync } from "node:child_process"
import { mkdirSync, writeFileSync } from "node:fs"
import { createConnection } from "node:net"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { bulkhead } from "@bulkhead/cli"
import { API_TOKEN } from "@bulkhead/core/testing"
import { findNatsServer, freePort, startServerProcess, waitUntil } from "@bulkhead/devstack"
import { startUplink } from "@bulkhead/edge/testing"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { ConfigProvider, Console, Effect, Layer } from "effect"
import { DevError } from "../DevError.ts"

/** The platform, as far as a site needs it. */
export interface Hub {
  /** Core's API. */
  readonly url: string
  readonly leafPort: number
}

/** Gives one command of an operator. */
export const operate = Effect.fnUntraced(function* (hub: Hub, ...args: ReadonlyArray<string>) {
  const environment = { BULKHEAD_URL: hub.url, BULKHEAD_TOKEN: API_TOKEN }
  const silent: Console.Console = Object.assign(Object.create(globalThis.console), { log: () => undefined })
  const exit = yield* bulkhead(args).pipe(
    Effect.provideService(Console.Console, silent),
    Effect.provide(Layer.mergeAll(NodeServices.layer, ConfigProvider.layer(ConfigProvider.fromEnvRecord(environment))))
  )
  if (exit !== 0) {
    const nextStep = "The command's own message is above"
    return yield* new DevError({ problem: `bulkhead ${args.join(" ")} ended with ${exit}`, nextStep })
  }
})

const serviceMain = (name: string) => fileURLToPath(new URL(`../../../services/${name}/src/main.ts`, import.meta.url))

const startService = Effect.fnUntraced(function* (name: string, environment: Readonly<Record<string, string>>) {
  const opsPort = yield* freePort
  const child = yield* startServerProcess({
    component: name,
    command: process.execPath,
    args: ["--conditions=@bulkhead/source", serviceMain(name)],
    env: { OPS_PORT: String(opsPort), LOG_FORMAT: "json", ...environment },
    // Four of them start at once, on a machine that may be busy.
    readyTimeoutMs: 60_000,
    stopSignal: "SIGTERM",
    isReady: (line) => line.includes('"started"')
  })
  const metric = (line: string) =>
    Effect.promise(async () => {
      const text = await (await fetch(`http://127.0.0.1:${opsPort}/metrics`)).text()
      return Number(
        text
          .split("\n")
          .find((each) => each.startsWith(`${line} `))
          ?.split(" ")[1] ?? 0
      )
    })
  return { ...child, metric }
})

/** Where edge-collector listens; two sites on one machine cannot both have the ports of the package. */
const LISTENERS = [
  "EDGE_SYSLOG_UDP_PORT",
  "EDGE_SYSLOG_TCP_PORT",
  "EDGE_SNMP_PORT",
  "EDGE_NETFLOW_PORT",
  "EDGE_SFLOW_PORT",
  "EDGE_OTLP_GRPC_PORT",
  "EDGE_OTLP_HTTP_PORT"
] as const

const MIB = 1024 * 1024

/** The site of a tenant: issued, installed, started, and linked. */
export const startSite = Effect.fnUntraced(function* (hub: Hub, tenant: string, folder: string) {
  const uplink = yield* startUplink(hub.leafPort)
  const [config, data, archive] = [join(folder, "etc"), join(folder, "data"), join(folder, "package.tar.gz")]
  yield* Effect.sync(() => mkdirSync(folder, { recursive: true }))
  const [listenPort, monitorPort] = [yield* freePort, yield* freePort]
  yield* operate(
    hub,
    ...["packages", "issue", tenant, "site1", "--hub", `nats-leaf://127.0.0.1:${uplink.port}`, "--out", archive],
    ...["--listen-port", String(listenPort), "--monitor-port", String(monitorPort)],
    ...["--buffer-bytes", String(64 * MIB), "--config-folder", config, "--data-folder", data]
  )
  const { path: server } = yield* findNatsServer
  // Not at once: the line that it looks at runs in this process.
  const install = (option: string) =>
    Effect.tryPromise({
      try: () =>
        promisify(execFile)(join(folder, `${tenant}-site1`, "install"), [option], {
          env: { PATH: process.env.PATH, NATS_SERVER: server }
        }),
      catch: (cause) =>
        new DevError({
          problem: `./install ${option} failed: ${(cause as { stderr?: string }).stderr}`,
          nextStep: "It says itself what to do"
        })
    })
  yield* Effect.sync(() => execFileSync("tar", ["-xzf", archive, "-C", folder]))
  yield* install("--place")
  const leaf = yield* startServerProcess({
    component: `leaf node of ${tenant}`,
    command: server,
    args: ["-c", join(config, "leaf.conf")],
    stopSignal: "SIGTERM",
    logFile: join(data, "leaf.log"),
    isReady: (line) => line.includes("Server is ready")
  })
  yield* install("--verify")
  const relay = yield* startService("edge-relay", { RELAY_CONFIG_FILE: join(config, "edge-relay.json") })
  const ports: Record<string, number> = {}
  for (const name of LISTENERS) ports[name] = yield* freePort
  const collector = yield* startService("edge-collector", {
    EDGE_CONFIG_FILE: join(config, "edge-collector.json"),
    EDGE_LISTEN_HOST: "127.0.0.1",
    ...Object.fromEntries(Object.entries(ports).map(([name, port]) => [name, String(port)]))
  })
  const collectorPort = ports.EDGE_SYSLOG_TCP_PORT ?? 0
  const syslogPort = (yield* startRsyslog(folder, collectorPort)) ?? collectorPort
  const leafLinks = Effect.promise(async () => {
    const answer = await fetch(`http://127.0.0.1:${monitorPort}/leafz`)
    return ((await answer.json()) as { leafnodes: number }).leafnodes
  })

  return {
    tenant,
    uplink,
    leaf,
    relay,
    collector,
    leafLinks,
    /** Whether rsyslog stands between devices and collector. */
    hasRsyslog: syslogPort !== collectorPort,
    /** What a device sends over TCP, and that the collector has all of it on disk. */
    log: (texts: ReadonlyArray<string>, receivedInAll: number) =>
      Effect.andThen(
        sendLines(syslogPort, texts),
        waitUntil(
          `${receivedInAll} received at the site of ${tenant}`,
          Effect.map(
            collector.metric('bulkhead_edge_received_total{source="syslog_tcp"}'),
            (count) => count >= receivedInAll
          ),
          "60 seconds"
        )
      )
  }
})

export type CustomerSite = Effect.Success<ReturnType<typeof startSite>>

const sendLines = (port: number, texts: ReadonlyArray<string>) =>
  Effect.callback<void>((resume) => {
    const socket = createConnection(port, "127.0.0.1")
    socket.on("error", (error) => resume(Effect.die(error)))
    socket.end(texts.map((text) => `<14>Nov 29 10:00:00 switch-7 lldpd: ${text}\n`).join(""))
    socket.on("close", () => resume(Effect.void))
    socket.resume()
  })

const hasRsyslogd = (): boolean => {
  try {
    execFileSync("rsyslogd", ["-v"], { stdio: "ignore" })
    return true
  } catch {
    return false
  }
}

/** Debian's rsyslogd with the package's configuration; undefined where the machine has none. */
const startRsyslog = Effect.fnUntraced(function* (folder: string, collectorPort: number) {
  if (!hasRsyslogd()) return undefined
  const port = yield* freePort
  const work = join(folder, "rsyslog")
  const template = join(folder, "etc", "collectors", "rsyslog.conf")
  const conf = join(folder, "rsyslog.conf")
  yield* Effect.sync(() => {
    mkdirSync(work, { recursive: true })
    const ours = execFileSync("sed", [`s/port="5514"/port="${collectorPort}"/`, template], { encoding: "utf8" })
    const head = `global(workDirectory="${work}")\nmodule(load="imtcp")\ninput(type="imtcp" address="127.0.0.1" port="${port}")\n`
    writeFileSync(conf, `${head}${ours}`)
  })
  yield* startServerProcess({
    component: "rsyslogd",
    command: "rsyslogd",
    args: ["-n", "-f", conf, "-i", join(folder, "rsyslog.pid")],
    env: { PATH: process.env.PATH ?? "" },
    stopSignal: "SIGTERM"
  })
  yield* waitUntil(
    "rsyslogd listens",
    Effect.callback<boolean>((resume) => {
      const socket = createConnection(port, "127.0.0.1", () => {
        socket.destroy()
        resume(Effect.succeed(true))
      })
      socket.on("error", () => resume(Effect.succeed(false)))
    })
  )
  return port
})
