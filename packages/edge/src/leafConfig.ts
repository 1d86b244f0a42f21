/**
 * The configuration of a site's leaf node. Public keys and claims alone: its secrets are credentials files beside it.
 */
import { block, quoted } from "@bulkhead/accounts"
import type { SiteIdentity } from "./makeSiteIdentity.ts"
import { domainOf, type Site } from "./Site.ts"

/** Where things are on the site's machine. */
export interface LeafFiles {
  /** JetStream's data: the buffer. */
  readonly dataFolder: string
  /** The leaf node's credentials, of the tenant's role `leaf`; read again at each connect. */
  readonly credsFile: string
  /** The platform's certificate authority, PEM: the only one that is trusted. Absent for URLs without TLS. */
  readonly caFile?: string
  /** The leaf node's own certificate, where the platform asks for one. */
  readonly certFile?: string
  readonly keyFile?: string
}

const RECONNECT_SECONDS = 2
/** JetStream keeps whole blocks, and the relay's position beside the buffer. */
const DISK_RESERVE_BYTES = 64 * 1024 * 1024

const tlsOf = ({ caFile, certFile, keyFile }: LeafFiles): ReadonlyArray<string> => {
  if (caFile === undefined) return []
  const own =
    certFile === undefined || keyFile === undefined
      ? ""
      : `, cert_file: ${quoted(certFile)}, key_file: ${quoted(keyFile)}`
  return [`tls { ca_file: ${quoted(caFile)}${own}, timeout: 10 }`]
}

/**
 * A whole configuration file, for nats-server 2.12 or newer. Throws for a path that cannot stand in one. `server -t`
 * checks it; a running server takes a change of it with `--signal reload`.
 */
export const leafConfig = (site: Site, identity: SiteIdentity, files: LeafFiles): string => {
  const { operatorClaims, accounts } = identity
  const { system, buffer, uplink } = accounts
  const remote = [
    `urls: [${site.hubUrls.map(quoted).join(", ")}]`,
    `credentials: ${quoted(files.credsFile)}`,
    `account: ${uplink.publicKey}`,
    ...tlsOf(files)
  ]
  return [
    `server_name: ${quoted(domainOf(site))}`,
    `listen: ${quoted(`${site.listenHost}:${site.listenPort}`)}`,
    `http: ${quoted(`127.0.0.1:${site.monitorPort}`)}`,
    `max_payload: ${site.messageBytesMax}`,
    block("jetstream", [
      `store_dir: ${quoted(files.dataFolder)}`,
      `domain: ${quoted(domainOf(site))}`,
      `max_memory_store: ${16 * 1024 * 1024}`,
      `max_file_store: ${site.bufferBytesMax + DISK_RESERVE_BYTES}`,
      "# A message that a collector was told is stored survives a power cut.",
      "sync_interval: always"
    ]),
    block("leafnodes", [`reconnect: "${RECONNECT_SECONDS}s"`, `remotes: [{\n    ${remote.join("\n    ")}\n  }]`]),
    `operator: ${operatorClaims}`,
    `system_account: ${system.publicKey}`,
    "resolver: MEMORY",
    block(
      "resolver_preload",
      [system, buffer, uplink].map(({ publicKey, claims }) => `${publicKey}: ${claims}`)
    ),
    ""
  ].join("\n")
}
