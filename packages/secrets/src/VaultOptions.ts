/**
 * How to reach Vault or OpenBao, and the environment variables that say it.
 *
 * | variable | default | meaning |
 * |---|---|---|
 * | `VAULT_ADDR` | required | `https://host:8200` |
 * | `VAULT_MOUNT` | `secret` | path of the KV version 2 engine |
 * | `VAULT_PREFIX` | `bulkhead` | folder in it, one for each installation |
 * | `VAULT_NAMESPACE` | — | namespace of all of these |
 * | `VAULT_CACERT` | Node's authorities | PEM file of the authority, read at each call |
 * | `VAULT_TOKEN` | — | login by token, renewed while it can be |
 * | `VAULT_TOKEN_FILE` | — | login by token from a file, read at each login |
 * | `VAULT_ROLE_ID`, `VAULT_SECRET_ID_FILE` | — | login by AppRole; the file is read at each login |
 * | `VAULT_K8S_ROLE` | — | login by the service account of the pod |
 * | `VAULT_K8S_JWT_FILE` | the pod's | its token, read at each login |
 * | `VAULT_AUTH_MOUNT` | `approle`, `kubernetes` | where the login method is mounted |
 */
import { Config, Effect, Option, type Redacted } from "effect"
import { type HttpStoreTimes, httpStoreTimes } from "./internal/httpStoreTimes.ts"
import { serviceAccountFile } from "./internal/serviceAccountFile.ts"
import { SecretStoreMisconfigured } from "./SecretError.ts"

/** Who we are to Vault. */
export type VaultAuth =
  | { readonly method: "token"; readonly token: Redacted.Redacted<string> }
  | { readonly method: "tokenFile"; readonly file: string }
  | {
      readonly method: "approle"
      readonly roleId: string
      readonly secretIdFile: string
      /** Default `approle`. */
      readonly mount?: string | undefined
    }
  | {
      readonly method: "kubernetes"
      readonly role: string
      /** Default: the token of the pod's service account. */
      readonly jwtFile?: string | undefined
      /** Default `kubernetes`. */
      readonly mount?: string | undefined
    }

/** How to reach Vault or OpenBao. */
export interface VaultOptions extends HttpStoreTimes {
  /** `https://host:8200`. */
  readonly address: string
  readonly auth: VaultAuth
  /** The path of a KV version 2 engine. Default `secret`. */
  readonly mount?: string | undefined
  /** A folder in it. Default `bulkhead`. */
  readonly prefix?: string | undefined
  readonly namespace?: string | undefined
  readonly caFile?: string | undefined
}

const optional = (name: string) => Config.option(Config.String(name)).pipe(Config.map(Option.getOrUndefined))

const variables = Config.all({
  address: Config.String("VAULT_ADDR"),
  mount: optional("VAULT_MOUNT"),
  prefix: optional("VAULT_PREFIX"),
  namespace: optional("VAULT_NAMESPACE"),
  caFile: optional("VAULT_CACERT"),
  times: httpStoreTimes,
  token: Config.option(Config.Redacted("VAULT_TOKEN")).pipe(Config.map(Option.getOrUndefined)),
  tokenFile: optional("VAULT_TOKEN_FILE"),
  roleId: optional("VAULT_ROLE_ID"),
  secretIdFile: optional("VAULT_SECRET_ID_FILE"),
  k8sRole: optional("VAULT_K8S_ROLE"),
  k8sJwtFile: optional("VAULT_K8S_JWT_FILE"),
  authMount: optional("VAULT_AUTH_MOUNT")
})

type Variables = Config.Success<typeof variables>

const LOGINS = "VAULT_TOKEN, VAULT_TOKEN_FILE, VAULT_ROLE_ID with VAULT_SECRET_ID_FILE, or VAULT_K8S_ROLE"

/** Every login that the variables name. */
const loginsOf = (set: Variables): ReadonlyArray<VaultAuth> => [
  ...(set.token === undefined ? [] : [{ method: "token", token: set.token } as const]),
  ...(set.tokenFile === undefined ? [] : [{ method: "tokenFile", file: set.tokenFile } as const]),
  ...(set.roleId === undefined || set.secretIdFile === undefined
    ? []
    : [{ method: "approle", roleId: set.roleId, secretIdFile: set.secretIdFile, mount: set.authMount } as const]),
  ...(set.k8sRole === undefined
    ? []
    : [{ method: "kubernetes", role: set.k8sRole, jwtFile: set.k8sJwtFile, mount: set.authMount } as const])
]

/** `VaultOptions` from the environment. */
export const vaultOptions: Effect.Effect<VaultOptions, Config.ConfigError | SecretStoreMisconfigured> = Effect.gen(
  function* () {
    const set = yield* variables
    const [auth, another] = loginsOf(set)
    if (auth === undefined || another !== undefined) {
      return yield* new SecretStoreMisconfigured({
        problem: `The environment names ${auth === undefined ? "no login" : "more than one login"} for Vault`,
        nextStep: `set one of ${LOGINS}`
      })
    }
    const { address, mount, prefix, namespace, caFile, times } = set
    return { address, auth, mount, prefix, namespace, caFile, ...times }
  }
)

/** The pod's own token. */
export const defaultJwtFile = serviceAccountFile("token")
