/**
 * Vector, which publishes itself: each event has an id of its own, so that a repeat is buffered once, and waits in a
 * buffer on disk until the leaf node has it.
 */
import type { PackageFile } from "../PackageFile.ts"
import type { CollectorSetup } from "./Collector.ts"

export const vector = ({ natsUrl, credsFile, clientName }: CollectorSetup): PackageFile => ({
  path: "collectors/vector.yaml",
  text: `# For Vector. Devices send syslog to UDP port 5515.
sources:
  syslog: { type: syslog, mode: udp, address: "0.0.0.0:5515" }
transforms:
  numbered:
    type: remap
    inputs: [syslog]
    source: .id = uuid_v7()
sinks:
  leaf:
    type: nats
    inputs: [numbered]
    url: "${natsUrl}"
    subject: logs.syslog
    connection_name: "${clientName("vector")}"
    auth: { strategy: credentials_file, credentials_file: { path: "${credsFile}" } }
    encoding: { codec: json }
    buffer: { type: disk, max_size: 1073741824, when_full: block }
    request: { concurrency: 64 }
    jetstream: { enabled: true, headers: { message_id: "{{ id }}" } }
`
})
