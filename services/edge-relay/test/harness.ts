/**
 * A relay as it is deployed: a process of its own beside a leaf node, with nothing but the site's credentials.
 */
import { fileURLToPath } from "node:url"
import { freePort, startServerProcess } from "@bulkhead/devstack"
import { bufferedBytesMax, type Site } from "@bulkhead/edge"
import type { Leaf } from "@bulkhead/edge/testing"
import { Effect } from "effect"

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url))

export const startRelay = Effect.fnUntraced(function* (
  site: Site,
  leaf: Leaf,
  environment: Readonly<Record<string, string>> = {}
) {
  const opsPort = yield* freePort
  const child = yield* startServerProcess({
    component: "edge-relay",
    command: process.execPath,
    args: ["--conditions=@bulkhead/source", main],
    env: {
      RELAY_SITE: site.name,
      RELAY_NATS_URL: leaf.url,
      RELAY_BUFFER_CREDS_FILE: leaf.file("relay-buffer.creds"),
      RELAY_UPLINK_CREDS_FILE: leaf.file("relay-uplink.creds"),
      RELAY_BUFFER_BYTES_MAX: String(site.bufferBytesMax),
      RELAY_MESSAGE_BYTES_MAX: String(bufferedBytesMax(site)),
      OPS_PORT: String(opsPort),
      LOG_FORMAT: "json",
      ...environment
    },
    stopSignal: "SIGTERM",
    isReady: (line) => line.includes('"started"')
  })
  const ask = (path: string) => Effect.promise(async () => (await fetch(`http://127.0.0.1:${opsPort}/${path}`)).text())
  return {
    ...child,
    problem: Effect.map(ask("readyz"), (text) => (JSON.parse(text) as { checks: { uplink: string } }).checks.uplink),
    metric: (name: string) =>
      Effect.map(ask("metrics"), (text) => Number(new RegExp(`^bulkhead_relay_${name} (.*)$`, "m").exec(text)?.[1]))
  }
})
