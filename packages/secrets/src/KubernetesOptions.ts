/**
 * How to reach the API server of Kubernetes, and the settings that say it. Inside a pod nothing has to be set.
 */
import { isIPv6 } from "node:net"
import { readSettings, Setting } from "@bulkhead/settings"
import { type Config, Effect, Redacted } from "effect"
import { type HttpStoreTimes, httpStoreSettings } from "./internal/httpStoreTimes.ts"
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

const API_SERVER = "the API server; set in every pod"

export const kubernetesSettings = {
  host: Setting.text("KUBERNETES_SERVICE_HOST", API_SERVER, "address"),
  port: Setting.text("KUBERNETES_SERVICE_PORT", API_SERVER, "port").or("443"),
  namespace: Setting.text("K8S_NAMESPACE", "where the Secrets lie").otherwise("the pod's"),
  prefix: Setting.text("K8S_SECRET_PREFIX", "how their names begin, one for each installation").otherwise("`bulkhead`"),
  tokenFile: Setting.text("K8S_TOKEN_FILE", "service account token, read at each call", "path").otherwise("the pod's"),
  caFile: Setting.text("K8S_CA_FILE", "authority of the API server, read at each call", "path").otherwise("the pod's")
}

const podNamespace = Effect.map(readSecretFile("K8S_NAMESPACE", serviceAccountFile("namespace")), Redacted.value)

/** `KubernetesOptions` from the settings. */
export const kubernetesOptions: Effect.Effect<KubernetesOptions, Config.ConfigError | SecretStoreMisconfigured> =
  Effect.gen(function* () {
    const { host, port, namespace, prefix, tokenFile, caFile, times } = yield* readSettings({
      ...kubernetesSettings,
      times: httpStoreSettings
    })
    return {
      server: `https://${isIPv6(host) ? `[${host}]` : host}:${port}`,
      namespace: namespace ?? (yield* podNamespace),
      prefix,
      tokenFile,
      caFile,
      ...times
    }
  })
