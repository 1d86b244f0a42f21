/**
 * What the poller checks for each demo tenant: the tenant's own site, and the platform it depends on.
 */
import { writeFileSync } from "node:fs"

export interface CheckTargets {
  readonly natsMonitorUrl: string
  readonly postgresPort: number
  readonly coreReadyUrl: string
  /** Tenant slug → URL of its demo site. */
  readonly sites: ReadonlyMap<string, string>
}

const every = { intervalMs: 1_000, timeoutMs: 900, heartbeatMs: 5_000 }

/** Writes the poller's check file. */
export const writePollerChecks = (file: string, targets: CheckTargets): void => {
  const checks = [...targets.sites].flatMap(([tenant, url]) => [
    { tenant, name: `${tenant}-shop`, type: "http", url, ...every },
    { tenant, name: `${tenant}-core`, type: "http", url: targets.coreReadyUrl, ...every },
    { tenant, name: `${tenant}-nats`, type: "http", url: `${targets.natsMonitorUrl}/healthz`, ...every },
    { tenant, name: `${tenant}-postgresql`, type: "tcp", host: "127.0.0.1", port: targets.postgresPort, ...every }
  ])
  writeFileSync(file, JSON.stringify({ checks }, null, 2))
}
