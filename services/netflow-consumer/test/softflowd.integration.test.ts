/**
 * A real exporter: softflowd replays a capture in each of its protocols through edge-collector and NATS into PostgreSQL.
 */
import { execFile, execFileSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { freePort, waitUntil } from "@bulkhead/devstack"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { startWorld } from "./harness.ts"
import { type CapturedPacket, writePcap } from "./writePcap.ts"

const run = promisify(execFile)

/** Debian has it in `softflowd`; `.ci/run` installs it where it can. */
const isInstalled = (() => {
  try {
    execFileSync("softflowd", ["-h"], { stdio: "ignore" })
    return true
  } catch {
    return false
  }
})()

/** A client that fetches a page in three packets each way, and asks for a name. */
const captured = (beganMs: number): ReadonlyArray<CapturedPacket> => {
  const request = {
    source: "10.1.0.7",
    destination: "192.0.2.80",
    protocol: "tcp",
    sourcePort: 50_001,
    destinationPort: 443,
    bytes: 140
  } as const
  const answer = {
    ...request,
    source: request.destination,
    destination: request.source,
    sourcePort: 443,
    destinationPort: 50_001,
    bytes: 1_400
  }
  const question = {
    ...request,
    destination: "10.1.0.1",
    protocol: "udp",
    sourcePort: 40_000,
    destinationPort: 53,
    bytes: 80
  } as const
  const exchange = [0, 1, 2].flatMap((turn) => [
    { ...request, atMs: beganMs + 100 * turn },
    { ...answer, atMs: beganMs + 100 * turn + 50 }
  ])
  return [...exchange, { ...question, atMs: beganMs + 400 }]
}

describe.skipIf(!isInstalled)("a capture that softflowd replays", () => {
  it.live("arrives whole as NetFlow 5, NetFlow 9 and IPFIX", () =>
    Effect.gen(function* () {
      const folder = yield* Effect.acquireRelease(
        Effect.sync(() => mkdtempSync(join(tmpdir(), "bulkhead-softflowd-"))),
        (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
      )
      const world = yield* startWorld
      yield* world.addTenantWithStream("default", "both")
      const port = yield* freePort
      yield* world.startService("edge-collector", {
        EDGE_LISTEN_HOST: "127.0.0.1",
        EDGE_NETFLOW_PORT: String(port),
        EDGE_BUFFER_FOLDER: join(folder, "buffer")
      })
      yield* world.startConsumer()
      const capture = join(folder, "capture.pcap")
      writePcap(capture, captured(Date.now() - 60_000))
      for (const version of ["5", "9", "10"]) {
        const files = ["-p", join(folder, `${version}.pid`), "-c", "none"]
        const options = ["-r", capture, "-n", `127.0.0.1:${port}`, "-v", version, "-d", "-a", ...files]
        yield* Effect.promise(() => run("softflowd", options))
      }
      yield* waitUntil(
        "three flows of each protocol",
        Effect.map(world.flowsOf("default"), (flows) => flows.length >= 9),
        "30 seconds"
      )
      const rows = yield* world.query(
        `select flow_type as type, src_addr as source, dst_addr as destination, flow_direction as direction, service,
           packets::int4 as packets, octets::int4 as octets
         from tenant_default.netflow_metrics order by flow_type, service desc, flow_direction desc`
      )
      const expected = ["IPFIX", "NETFLOW_V5", "NETFLOW_V9"].flatMap((type) => [
        {
          type,
          source: "10.1.0.7",
          destination: "192.0.2.80",
          direction: "outbound",
          service: "https",
          packets: 3,
          octets: 420
        },
        {
          type,
          source: "192.0.2.80",
          destination: "10.1.0.7",
          direction: "inbound",
          service: "https",
          packets: 3,
          octets: 4_200
        },
        {
          type,
          source: "10.1.0.7",
          destination: "10.1.0.1",
          direction: "lateral",
          service: "domain",
          packets: 1,
          octets: 80
        }
      ])
      assert.deepStrictEqual(rows, expected)
      const [times] = yield* world.query<{ allOk: boolean }>(
        `select bool_and(time_flow_end_ns >= time_flow_start_ns) as "allOk" from tenant_default.netflow_metrics`
      )
      assert.deepStrictEqual(times, { allOk: true })
    })
  )
})
