/**
 * What each collector that may stand at a site is configured with.
 */
import type { PackageFile, SiteFolders } from "../PackageFile.ts"
import type { Site } from "../Site.ts"
import { collectorSetup } from "./Collector.ts"
import { fluentBit, otelCollector, telegraf } from "./otlpSenders.ts"
import { ownCollector } from "./ownCollector.ts"
import { flowCollector, flowgger, otel, trapd } from "./serviceRadar.ts"
import { rsyslog, syslogNg } from "./syslogSenders.ts"
import { vector } from "./vector.ts"

/** One file for each; their subjects have no tenant, which the platform adds. */
export const collectorFiles = (site: Site, folders: SiteFolders): ReadonlyArray<PackageFile> => {
  const setup = collectorSetup(site, folders)
  return [
    ...[ownCollector, vector, flowgger, otel, trapd, flowCollector].map((file) => file(setup)),
    ...[rsyslog, syslogNg, otelCollector, fluentBit, telegraf]
  ]
}
