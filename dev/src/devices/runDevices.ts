/**
 * The devices of a demo tenant: what a customer has at a site, each naming its tenant in all it sends, so that a row in a
 * wrong schema would be seen. They send over the network, to the tenant's own edge-collector.
 */
import { Effect, Schedule } from "effect"
import type { DemoTenant } from "../demoTenants.ts"
import { startExporters } from "./flowExporters.ts"
import { shopFor } from "./otlpShop.ts"
import { startSwitch } from "./snmpSwitch.ts"
import { startFirewall, startRouter } from "./syslogDevices.ts"

/** Where a tenant's collector listens, on 127.0.0.1. */
export interface CollectorPorts {
  readonly syslogUdp: number
  readonly syslogTcp: number
  readonly snmp: number
  readonly netflow: number
  readonly otlpHttp: number
}

/** What each device calls itself; for flows, how the addresses begin. */
export const deviceNames = ({ slug, network }: DemoTenant) => ({
  router: `${slug}-router`,
  firewall: `${slug}-firewall`,
  switch: `${slug}-switch`,
  shop: `${slug}-shop`,
  exporters: network
})

/** Each device sends once a second until the scope closes. */
export const runDevices = Effect.fnUntraced(function* (tenant: DemoTenant, ports: CollectorPorts, community: string) {
  const names = deviceNames(tenant)
  const sends = [
    yield* startRouter(names.router, ports.syslogUdp),
    yield* startFirewall(names.firewall, ports.syslogTcp),
    yield* startSwitch(names.switch, ports.snmp, community),
    yield* startExporters(names.exporters, ports.netflow),
    shopFor(names.shop, ports.otlpHttp)
  ]
  yield* Effect.sync(() => {
    for (const send of sends) send()
  }).pipe(Effect.repeat(Schedule.spaced("1 second")), Effect.forkScoped)
})
