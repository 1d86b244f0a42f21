/**
 * What two thousand idle tenants cost one core process: the time from its start until every lane runs, the processor it
 * takes while nothing happens, and its memory for each tenant. The first argument after the name is another number.
 */
import { readFileSync } from "node:fs"
import { waitUntil } from "@bulkhead/devstack"
import { Effect } from "effect"
import {
  type CoreReplica,
  type ReplicaServers,
  startReplica,
  startReplicaServers
} from "../services/core/test/replicaHarness.ts"
import type { Benchmark } from "./run.ts"

const TENANTS = Number(process.argv[3] ?? 2_000)
const START_MS_MAX = 30_000
const IDLE_CPU_MAX = 0.05
const BYTES_PER_TENANT_MAX = 100 * 1024
const IDLE_S = 20
/** What a process still has to do after its start is no idling. */
const SETTLE = "10 seconds"
const TICKS_PER_S = 100
const PROVISION_TIMEOUT = "20 minutes"

const cpuSeconds = (pid: number): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? []
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S
}

const rssBytes = (pid: number): number =>
  Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024

const pidOf = ({ child }: CoreReplica): number => child.pid ?? 0

/** As core reports it every two seconds; its metrics would cost it more the more tenants there are. */
const allRun = (servers: ReplicaServers, { id }: CoreReplica, count: number) =>
  Effect.map(
    servers.query<{ running: number }>(
      `select count(*)::int as running from bulkhead.tenant_runs
       where replica = $1::uuid and status = 'active' and restarts = 0`,
      [id]
    ),
    ([row]) => row?.running === count
  )

/** Core with the default tenant alone; then it makes the others, which this prints. */
const provision = Effect.fnUntraced(function* (servers: ReplicaServers) {
  const core = yield* startReplica(servers, { CORE_STARTS_AT_ONCE: "8" })
  yield* waitUntil("the default tenant runs", allRun(servers, core, 1))
  yield* Effect.sleep(SETTLE)
  const emptyBytes = rssBytes(pidOf(core))
  const beganAtMs = performance.now()
  yield* servers.query(
    `insert into bulkhead.tenants (slug, name, plan, status)
     select 'tenant-' || n, 'tenant-' || n, 'free', 'provisioning' from generate_series(1, $1) as n`,
    [TENANTS]
  )
  yield* waitUntil("all are made", allRun(servers, core, TENANTS + 1), PROVISION_TIMEOUT)
  console.log(`${TENANTS} tenants made in ${((performance.now() - beganAtMs) / 1_000).toFixed(0)} s`)
  yield* core.signal("SIGTERM")
  yield* Effect.promise(() => core.ended)
  return emptyBytes
})

const measure = Effect.gen(function* () {
  const servers = yield* startReplicaServers
  const emptyBytes = yield* Effect.scoped(provision(servers))
  const beganAtMs = performance.now()
  const core = yield* startReplica(servers)
  yield* waitUntil("every lane runs", allRun(servers, core, TENANTS + 1), "5 minutes")
  const startMs = performance.now() - beganAtMs
  const pid = pidOf(core)
  const startCpu = cpuSeconds(pid)
  yield* Effect.sleep(SETTLE)
  const before = cpuSeconds(pid)
  yield* Effect.sleep(`${IDLE_S} seconds`)
  const idleCpu = (cpuSeconds(pid) - before) / IDLE_S
  const isStill = yield* allRun(servers, core, TENANTS + 1)
  return { startMs, startCpu, idleCpu, bytesPerTenant: (rssBytes(pid) - emptyBytes) / TENANTS, isStill }
})

export const benchmark: Benchmark = async () => {
  const { startMs, startCpu, idleCpu, bytesPerTenant, isStill } = await Effect.runPromise(Effect.scoped(measure))
  const ratio = Math.max(startMs / START_MS_MAX, idleCpu / IDLE_CPU_MAX, bytesPerTenant / BYTES_PER_TENANT_MAX)
  const figures =
    `${TENANTS} tenants run after ${(startMs / 1_000).toFixed(1)} s (limit ${START_MS_MAX / 1_000} s) and ` +
    `${startCpu.toFixed(1)} s of core's own processor time, ` +
    `idle ${(idleCpu * 100).toFixed(1)} % of a core (limit ${IDLE_CPU_MAX * 100} %), ` +
    `${(bytesPerTenant / 1024).toFixed(0)} KiB each (limit ${BYTES_PER_TENANT_MAX / 1024} KiB)` +
    (isStill ? "" : "; NOT ALL RAN TO THE END")
  return { ratio, isGood: ratio <= 1 && isStill, text: `of the worst limit: ${figures}` }
}
