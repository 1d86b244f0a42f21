/**
 * How to reach the API server of Kubernetes, and the environment variables that say it. Inside a pod nothing has to be
 * set.
 *
 * | variable | default | meaning |
 * |---|---|---|
 * | `KUBERNETES_SERVICE_HOST`, `KUBERNETES_SERVICE_PORT` | set in every pod | the API server |
 * | `K8S_NAMESPACE` | the pod's | where the Secrets lie |
 * | `K8S_SECRET_PREFIX` | `bulkhead` | how their names begin, one for each installation |
 * | `K8S_TOKEN_FILE`, `K8S_CA_FILE` | the pod's | service account token and authority, read at each call |
 */
import { isIPv6 } from "node:net"
import { Config, Effect, Option, Redacted } from "effect"
import { type HttpStoreTimes, httpStoreTimes } from "./internal/httpStoreTimes.ts"
import { readSecretFile } from "./internal/readSecretFile.ts"
import { serviceAccountFile } from "./internal/serviceAccountFile.ts"
import type { SecretStoreMisconfigured } from "./SecretError.ts"

/** How to reach the API server. */
export interface KubernetesOptions extends HttpStoreTimes {
  /** `https://10.0.0.1:443`. */
  readonly server: string
  readonly namespace: string
  /** How the Secrets' names begin; two installations in one namespace need two. Default `bulkhead`. */
  readonly prefix?: string | undefined
  /** Default: the pod's service account. */
  readonly tokenFile?: string | undefined
  /** Default: the pod's. */
  readonly caFile?: string | undefined
}

const optional = (name: string) => Config.option(Config.String(name)).pipe(Config.map(Option.getOrUndefined))

const variables = Config.all({
  host: Config.String("KUBERNETES_SERVICE_HOST"),
  port: Config.String("KUBERNETES_SERVICE_PORT").pipe(Config.withDefault("443")),
  namespace: optional("K8S_NAMESPACE"),
  prefix: optional("K8S_SECRET_PREFIX"),
  tokenFile: optional("K8S_TOKEN_FILE"),
  caFile: optional("K8S_CA_FILE"),
  times: httpStoreTimes
})

const podNamespace = Effect.map(readSecretFile("K8S_NAMESPACE", serviceAccountFile("namespace")), Redacted.value)

/** `KubernetesOptions` from the environment. */
export const kubernetesOptions: Effect.Effect<KubernetesOptions, Config.ConfigError | SecretStoreMisconfigured> =
  Effect.gen(function* () {
    const { host, port, namespace, prefix, tokenFile, caFile, times } = yield* variables
    return {
      server: `https://${isIPv6(host) ? `[${host}]` : host}:${port}`,
      namespace: namespace ?? (yield* podNamespace),
      prefix,
      tokenFile,
      caFile,
      ...times
    }
  })
