/**
 * Tenants' NATS accounts, as core sees them: what is wanted of one follows from the tenant's record, and the signer does
 * it. `CORE_ACCOUNTS=none` is for installations whose tenants share one account and are kept apart by publishers alone,
 * as before a migration: then there is nothing to do.
 */
import { SignerClient, type SignerError } from "@bulkhead/account-signer/client"
import { accountLimits, limitsOf, NKey, type TenantRole } from "@bulkhead/accounts"
import type { Tenant } from "@bulkhead/tenancy"
import { Context, DateTime, Effect, Layer } from "effect"

const ACTOR = "core"
/** Long enough for one look, and useless soon after. */
const PROBE_MINUTES = 5

/** A user that core makes for itself, to try what a tenant can do. */
export interface ProbeUser {
  readonly claims: string
  readonly key: NKey
}

export class TenantAccounts extends Context.Service<
  TenantAccounts,
  {
    readonly areKept: boolean
    /** Makes the account as the record wants it; every server has it on success. */
    readonly ensure: (tenant: Tenant) => Effect.Effect<void, SignerError>
    /** Takes the account away from every server. */
    readonly remove: (tenant: Tenant) => Effect.Effect<void, SignerError>
    /** Destroys the keys of an account that was removed. */
    readonly forget: (tenant: Tenant) => Effect.Effect<void, SignerError>
    readonly connections: (tenant: Tenant) => Effect.Effect<number, SignerError>
    /** A user of core's own; short-lived, unless more minutes are given. */
    readonly probeUser: (tenant: Tenant, role: TenantRole, minutes?: number) => Effect.Effect<ProbeUser, SignerError>
  }
>()("@bulkhead/core/TenantAccounts") {
  static readonly layerSigner: Layer.Layer<TenantAccounts, never, SignerClient> = Layer.effect(
    TenantAccounts,
    Effect.suspend(() => make)
  )

  static readonly layerNone: Layer.Layer<TenantAccounts> = Layer.succeed(TenantAccounts, {
    areKept: false,
    ensure: () => Effect.void,
    remove: () => Effect.void,
    forget: () => Effect.void,
    connections: () => Effect.succeed(0),
    probeUser: () => Effect.die("there are no accounts to make users in")
  })
}

const make = Effect.gen(function* () {
  const signer = yield* SignerClient
  const of = ({ slug }: Tenant) => ({ actor: ACTOR, tenant: slug })
  return TenantAccounts.of({
    areKept: true,
    ensure: (tenant) =>
      Effect.asVoid(
        signer.ask("ensure-account", {
          ...of(tenant),
          limits: accountLimits(limitsOf(tenant.plan, tenant.limits)),
          isSuspended: tenant.status === "suspended"
        })
      ),
    remove: (tenant) => Effect.asVoid(signer.ask("remove-account", of(tenant))),
    forget: (tenant) => Effect.asVoid(signer.ask("forget-account", of(tenant))),
    connections: (tenant) => Effect.map(signer.ask("count-connections", of(tenant)), ({ connections }) => connections),
    probeUser: Effect.fnUntraced(function* (tenant, role, minutes = PROBE_MINUTES) {
      const key = NKey.make("user")
      const expiresAt = DateTime.add(yield* DateTime.now, { minutes })
      const { claims } = yield* signer.ask("sign-user", {
        ...of(tenant),
        role,
        name: "core-probe",
        purpose: "core tries what this role can do",
        publicKey: key.publicKey,
        expiresAt
      })
      return { claims, key }
    })
  })
})
