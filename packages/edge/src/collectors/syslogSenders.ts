/**
 * rsyslog and syslog-ng, which know no NATS: they send to edge-collector over TCP, and keep on disk what it does not take.
 */
import type { PackageFile } from "../PackageFile.ts"
import { COLLECTOR_PORTS } from "./Collector.ts"

const QUEUE_BYTES = 1024 ** 3

export const rsyslog: PackageFile = {
  path: "collectors/rsyslog.conf",
  text: `# For /etc/rsyslog.d/60-bulkhead.conf. Everything this machine logs, as RFC 5424, with a queue on disk.
*.* action(
  type="omfwd" target="127.0.0.1" port="${COLLECTOR_PORTS.syslog}" protocol="tcp" tcp_framing="octet-counted"
  template="RSYSLOG_SyslogProtocol23Format"
  queue.type="LinkedList" queue.filename="bulkhead" queue.maxDiskSpace="${QUEUE_BYTES}" queue.saveOnShutdown="on"
  action.resumeRetryCount="-1"
)
`
}

export const syslogNg: PackageFile = {
  path: "collectors/syslog-ng.conf",
  text: `@version: 3.38
# For /etc/syslog-ng/conf.d/bulkhead.conf, without its first line. Everything this machine logs, as RFC 5424.
source s_bulkhead { system(); internal(); };
destination d_bulkhead {
  syslog("127.0.0.1" port(${COLLECTOR_PORTS.syslog}) transport("tcp")
    disk-buffer(reliable(yes) disk-buf-size(${QUEUE_BYTES}) mem-buf-size(16777216)));
};
log { source(s_bulkhead); destination(d_bulkhead); flags(flow-control); };
`
}
