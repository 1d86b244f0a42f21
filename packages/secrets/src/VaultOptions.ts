/**
 * How to reach Vault or OpenBao, and the settings that say it.
 */
import { readSettings, Setting, type SettingValues } from "@bulkhead/settings"
import { type Config, Effect, type Redacted } from "effect"
import { type HttpStoreTimes, httpStoreSettings } from "./internal/httpStoreTimes.ts"
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

const path = (name: string, meaning: string) => Setting.text(name, meaning, "path")

export const vaultSettings = {
  address: Setting.text("VAULT_ADDR", "`https://host:8200`", "URL"),
  mount: Setting.text("VAULT_MOUNT", "path of the KV version 2 engine").otherwise("`secret`"),
  prefix: Setting.text("VAULT_PREFIX", "folder in it, one for each installation").otherwise("`bulkhead`"),
  namespace: Setting.text("VAULT_NAMESPACE", "namespace of all of these").optional,
  caFile: path("VAULT_CACERT", "PEM file of the authority, read at each call").otherwise("Node's authorities"),
  token: Setting.secret("VAULT_TOKEN", "login by token, renewed while it can be").otherwise("one of these logins"),
  tokenFile: path("VAULT_TOKEN_FILE", "login by a token from a file, read at each login").optional,
  roleId: Setting.text("VAULT_ROLE_ID", "login by AppRole, with `VAULT_SECRET_ID_FILE`").optional,
  secretIdFile: path("VAULT_SECRET_ID_FILE", "read at each login").optional,
  k8sRole: Setting.text("VAULT_K8S_ROLE", "login by the pod's service account, in this role").optional,
  k8sJwtFile: path("VAULT_K8S_JWT_FILE", "its token, read at each login").otherwise("the pod's"),
  authMount: Setting.text("VAULT_AUTH_MOUNT", "where that login is mounted").otherwise("`approle`, `kubernetes`")
}

const variables = { ...vaultSettings, times: httpStoreSettings }

type Variables = SettingValues<typeof variables>

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

/** `VaultOptions` from the settings. */
export const vaultOptions: Effect.Effect<VaultOptions, Config.ConfigError | SecretStoreMisconfigured> = Effect.gen(
  function* () {
    const set = yield* readSettings(variables)
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
