/**
 * The file that says which tenants an installation has, and which credentials lie where:
 *
 * ```json
 * { "tenants": [{ "slug": "acme", "name": "Acme", "plan": "pro",
 *     "credentials": [{ "role": "collector", "name": "edge-1", "file": "edge-acme/acme.creds" }] }] }
 * ```
 */
import { TenantRole } from "@bulkhead/accounts"
import { NewTenantSlug, TenantPlan } from "@bulkhead/tenancy"
import { Effect, Schema } from "effect"
import { ProvisionError } from "./ProvisionError.ts"
import { readFileOf } from "./readFileOf.ts"

/** A credential that shall lie in a file of the credentials folder. */
export const WantedCredential = Schema.Struct({
  role: TenantRole,
  /** Who uses it: a-z, 0-9 and -. */
  name: Schema.String,
  /** From the credentials folder, never out of it. */
  file: Schema.String.check(Schema.isPattern(/^[a-z0-9][a-z0-9-]*(\/[a-z0-9][a-z0-9-]*)*\.creds$/)),
  expiresInDays: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 3_650 })).pipe(
    Schema.withDecodingDefaultKey(Effect.succeed(365))
  )
})
export type WantedCredential = typeof WantedCredential.Type

/** A tenant as it shall be. Limits that are absent stay as they are. */
export const WantedTenant = Schema.Struct({
  slug: NewTenantSlug,
  name: Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(200)),
  plan: TenantPlan,
  limits: Schema.optionalKey(
    Schema.Record(Schema.String, Schema.Union([Schema.Int, Schema.Literal("unlimited"), Schema.Null]))
  ),
  credentials: Schema.Array(WantedCredential).pipe(Schema.withDecodingDefaultKey(Effect.succeed([])))
})
export type WantedTenant = typeof WantedTenant.Type

const TenantsFile = Schema.fromJsonString(Schema.Struct({ tenants: Schema.Array(WantedTenant) }))

/** Reads and checks the whole file before anything is changed. */
export const readTenantsFile = Effect.fnUntraced(function* (setting: string, path: string) {
  const text = yield* readFileOf(setting, path)
  const { tenants } = yield* Schema.decodeUnknownEffect(TenantsFile, { onExcessProperty: "error" })(text).pipe(
    Effect.mapError(
      (error) =>
        new ProvisionError({
          problem: `${setting}="${path}": ${error.message.replaceAll(/\s*\n\s*/g, " ")}`,
          nextStep: "Correct the file and run this again; nothing was changed"
        })
    )
  )
  return tenants
})
