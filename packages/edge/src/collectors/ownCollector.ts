/**
 * Settings of edge-collector: what every device and every collector without NATS sends to. Like syslog and flows, which
 * know no other way, traps and OTLP are taken from whoever reaches the site's machine, until its administrator says else.
 */
import type { PackageFile } from "../PackageFile.ts"
import { COLLECTOR_PORTS, type CollectorSetup, json } from "./Collector.ts"

export const ownCollector = ({ natsUrl, credsFile, clientName, folders, site }: CollectorSetup): PackageFile => ({
  path: "edge-collector.json",
  text: json({
    NATS_URL: natsUrl,
    NATS_CREDS_FILE: credsFile,
    NATS_CLIENT_NAME: clientName("edge-collector"),
    EDGE_PARTITION: site.name,
    EDGE_BUFFER_FOLDER: `${folders.data}/collector`,
    EDGE_SYSLOG_UDP_PORT: COLLECTOR_PORTS.syslog,
    EDGE_SYSLOG_TCP_PORT: COLLECTOR_PORTS.syslog,
    EDGE_SNMP_PORT: COLLECTOR_PORTS.trap,
    EDGE_SNMP_ACCEPT_ANY: true,
    EDGE_NETFLOW_PORT: COLLECTOR_PORTS.netflow,
    EDGE_SFLOW_PORT: COLLECTOR_PORTS.sflow,
    EDGE_OTLP_GRPC_PORT: COLLECTOR_PORTS.otlpGrpc,
    EDGE_OTLP_HTTP_PORT: COLLECTOR_PORTS.otlpHttp,
    EDGE_OTLP_ACCEPT_ANY: true
  })
})
