/**
 * The document of one package, for whoever installs it.
 */
import { COLLECTOR_PORTS } from "./collectors/Collector.ts"
import type { SiteFolders } from "./PackageFile.ts"
import type { Site } from "./Site.ts"

const ports = COLLECTOR_PORTS

export const siteReadme = (
  site: Site,
  { config, data }: SiteFolders,
  expiresAt: Date
): string => `# Site ${site.name} of ${site.tenant}

This archive holds secrets: keep it as you keep passwords, and delete it when the site runs. Its credentials are good until
${expiresAt.toISOString()}.

    ./install --check    # looks whether this machine and its network are ready, changes nothing
    ./install            # puts everything in place, starts it, and looks whether the site is linked
    ./install --place    # the same without starting anything, where systemd does not run
    ./install --verify   # looks again

nats-server has to be installed; the programs edge-relay and edge-collector belong below /opt/bulkhead.

| what | where |
|---|---|
| configuration and credentials | ${config} |
| what waits while the platform cannot be reached, at most ${site.bufferBytesMax} bytes | ${data} |
| outgoing TCP, the only connection to the platform | ${site.hubUrls.join(", ")} |
| the leaf node, for collectors that speak NATS, with ${config}/collector.creds | nats://${site.listenHost}:${site.listenPort} |
| syslog, UDP and TCP | ${ports.syslog} |
| SNMP traps | ${ports.trap} |
| NetFlow and IPFIX, sFlow | ${ports.netflow}, ${ports.sflow} |
| OTLP, gRPC and HTTP | ${ports.otlpGrpc}, ${ports.otlpHttp} |

Whoever reaches these ports may send: let only the site's network do so. In ${config}/edge-collector.json
\`EDGE_SNMP_COMMUNITIES\`, \`EDGE_OTLP_TOKENS\` and \`EDGE_OTLP_TLS_CERT\` ask more of senders, and \`EDGE_LISTEN_HOST\` says
where they are heard.

collectors/ has a configuration for each of rsyslog, syslog-ng, Vector, Telegraf, Fluent Bit, the OpenTelemetry Collector,
and ServiceRadar's flowgger, otel, trapd and flow-collector. Take what you need: subjects are without the tenant, which the
platform adds.
`
