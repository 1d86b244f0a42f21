/**
 * What collectors of a site are told: where the leaf node and our own collector listen, and with which credentials.
 */

import type { SiteFolders } from "../PackageFile.ts"
import { domainOf, type Site } from "../Site.ts"

/** Where edge-collector listens, on the site's own addresses. Ports below 1024 are left to whoever has them. */
export const COLLECTOR_PORTS = { syslog: 5514, trap: 5162, netflow: 2055, sflow: 6343, otlpGrpc: 4317, otlpHttp: 4318 }

export interface CollectorSetup {
  readonly site: Site
  readonly folders: SiteFolders
  /** `nats://host:port` of the leaf node. */
  readonly natsUrl: string
  readonly credsFile: string
  /** Who it is, in the leaf node's reports. */
  readonly clientName: (collector: string) => string
}

export const collectorSetup = (site: Site, folders: SiteFolders): CollectorSetup => ({
  site,
  folders,
  natsUrl: `nats://${site.listenHost}:${site.listenPort}`,
  credsFile: `${folders.config}/collector.creds`,
  clientName: (collector) => `${domainOf(site)} ${collector}`
})

/** A file of JSON, as people write it. */
export const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`
