/**
 * The configuration of a nats-server that belongs to an installation: operator mode, a full resolver, JetStream, and
 * where asked TLS, a listener for leaf nodes and a cluster. Public keys and claims alone: nothing in it is secret.
 */
import { block, quoted } from "./configSyntax.ts"
import type { InstallationKeys, PlatformClaims } from "./Installation.ts"

/** PEM files of one listener. */
export interface TlsFiles {
  readonly certFile: string
  readonly keyFile: string
  readonly caFile: string
}

export interface ServerConfigOptions {
  /** Unique in a cluster. */
  readonly serverName: string
  /** `host:port` */
  readonly listen: string
  /** `host:port` of the monitoring endpoint; none when absent. */
  readonly monitor?: string
  readonly tls?: TlsFiles
  /** `host:port` where leaf nodes connect, with the same TLS; none when absent. */
  readonly leafListen?: string
  readonly cluster?: { readonly name: string; readonly listen: string; readonly routes: ReadonlyArray<string> }
  /** A folder of this server alone: claims and JetStream live below it. */
  readonly folder: string
  readonly jetStream: { readonly memoryBytes: number; readonly fileBytes: number }
}

/** Accounts that a resolver keeps; the server's own default refuses the thousand and first. */
const ACCOUNTS_MAX = 100_000

/** A listener's TLS; clients need no certificate of their own. */
export const tlsBlock = (tls: TlsFiles): string =>
  `tls { cert_file: ${quoted(tls.certFile)}, key_file: ${quoted(tls.keyFile)}, ca_file: ${quoted(tls.caFile)} }`

/**
 * The part that puts any server under the operator. Two minutes between resolvers' syncs; a claim that nobody has
 * delays a server's start by `timeout`.
 */
export const operatorConfig = (
  keys: Pick<InstallationKeys, "operatorClaims" | "system" | "platform">,
  claims: PlatformClaims,
  folder: string
): string =>
  [
    `operator: ${keys.operatorClaims}`,
    `system_account: ${keys.system.publicKey}`,
    block("resolver", [
      "type: full",
      `dir: ${quoted(folder)}`,
      "allow_delete: true",
      'interval: "2m"',
      'timeout: "1.9s"',
      `limit: ${ACCOUNTS_MAX}`
    ]),
    block("resolver_preload", [
      `${keys.system.publicKey}: ${claims.system}`,
      `${keys.platform.publicKey}: ${claims.platform}`
    ])
  ].join("\n")

/** A whole configuration file. Throws for a path that cannot stand in one. */
export const serverConfig = (keys: InstallationKeys, claims: PlatformClaims, options: ServerConfigOptions): string => {
  const { tls, cluster } = options
  return [
    `server_name: ${quoted(options.serverName)}`,
    `listen: ${quoted(options.listen)}`,
    ...(options.monitor === undefined ? [] : [`http: ${quoted(options.monitor)}`]),
    ...(tls === undefined ? [] : [tlsBlock(tls)]),
    block("jetstream", [
      `store_dir: ${quoted(`${options.folder}/jetstream`)}`,
      `max_memory_store: ${options.jetStream.memoryBytes}`,
      `max_file_store: ${options.jetStream.fileBytes}`
    ]),
    ...(options.leafListen === undefined
      ? []
      : [block("leafnodes", [`listen: ${quoted(options.leafListen)}`, ...(tls === undefined ? [] : [tlsBlock(tls)])])]),
    ...(cluster === undefined
      ? []
      : [
          block("cluster", [
            `name: ${quoted(cluster.name)}`,
            `listen: ${quoted(cluster.listen)}`,
            `routes: [${cluster.routes.map(quoted).join(", ")}]`
          ])
        ]),
    operatorConfig(keys, claims, `${options.folder}/claims`),
    ""
  ].join("\n")
}
