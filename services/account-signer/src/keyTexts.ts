/**
 * The signing keys of an installation, and of a tenant, as the text that rests in the secret store.
 */
import { type InstallationKeys, NKey, TENANT_ROLES, type TenantKeys } from "@bulkhead/accounts"
import { Redacted, Schema } from "effect"

const Installation = Schema.fromJsonString(
  Schema.Struct({
    name: Schema.String,
    operatorClaims: Schema.String,
    operatorSigning: Schema.String,
    system: Schema.Struct({ publicKey: Schema.String, signing: Schema.String }),
    platform: Schema.Struct({ publicKey: Schema.String, signing: Schema.String })
  })
)

const Tenant = Schema.fromJsonString(
  Schema.Struct({ publicKey: Schema.String, signing: Schema.Record(Schema.String, Schema.String) })
)

const seedOf = (key: NKey): string => Redacted.value(key.seed)
const keyOf = (seed: string): NKey => NKey.fromSeed(Redacted.make(seed))

export const encodeInstallation = (keys: InstallationKeys): Redacted.Redacted<string> => {
  const account = (of: InstallationKeys["system"]) => ({ publicKey: of.publicKey, signing: seedOf(of.signing) })
  const { name, operatorClaims } = keys
  const text = Schema.encodeSync(Installation)({
    name,
    operatorClaims,
    operatorSigning: seedOf(keys.operatorSigning),
    system: account(keys.system),
    platform: account(keys.platform)
  })
  return Redacted.make(text)
}

/** Throws for a text that this never wrote. */
export const decodeInstallation = (text: Redacted.Redacted<string>): InstallationKeys => {
  const stored = Schema.decodeSync(Installation)(Redacted.value(text))
  const account = (of: (typeof stored)["system"]) => ({ publicKey: of.publicKey, signing: keyOf(of.signing) })
  return {
    name: stored.name,
    operatorClaims: stored.operatorClaims,
    operatorSigning: keyOf(stored.operatorSigning),
    system: account(stored.system),
    platform: account(stored.platform)
  }
}

export const encodeTenantKeys = (keys: TenantKeys): Redacted.Redacted<string> => {
  const signing = Object.fromEntries(TENANT_ROLES.map((role) => [role, seedOf(keys.signing[role])]))
  return Redacted.make(Schema.encodeSync(Tenant)({ publicKey: keys.publicKey, signing }))
}

/** Throws for a text that this never wrote. */
export const decodeTenantKeys = (text: Redacted.Redacted<string>): TenantKeys => {
  const { publicKey, signing } = Schema.decodeSync(Tenant)(Redacted.value(text))
  const keys = TENANT_ROLES.map((role) => [role, keyOf(signing[role] ?? "")] as const)
  return { publicKey, signing: Object.fromEntries(keys) as TenantKeys["signing"] }
}
