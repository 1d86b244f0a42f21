/**
 * The keys, out of the secret store: those of the installation, made by `bootstrap` alone, and those of tenants, made
 * once and then always the same. No seed leaves this process.
 */
import { type InstallationKeys, makeInstallation, makeTenantKeys, NKey, type TenantKeys } from "@bulkhead/accounts"
import type { TenantSlug } from "@bulkhead/channels"
import { type SecretError, SecretStore } from "@bulkhead/secrets"
import { Context, Effect, Layer, type Redacted, Schema } from "effect"
import { decodeInstallation, decodeTenantKeys, encodeInstallation, encodeTenantKeys } from "./keyTexts.ts"

const INSTALLATION = { owner: "installation", purpose: "signing-keys" }
const ROOT = { owner: "installation", purpose: "operator-root" }
const accountOf = (tenant: TenantSlug) => ({ owner: tenant, purpose: "account-keys" })

/** There is no installation yet. */
export class NotBootstrapped extends Schema.TaggedError<NotBootstrapped>()("NotBootstrapped", {}) {
  override get message(): string {
    return "There is no installation in this secret store. Run `npm run bootstrap -w @bulkhead/account-signer` first"
  }
}

export class Keyring extends Context.Service<
  Keyring,
  {
    /** Makes the installation unless there is one; whoever is first wins, and everybody gets the same. */
    readonly ensureInstallation: (name: string) => Effect.Effect<InstallationKeys, SecretError>
    readonly installation: Effect.Effect<InstallationKeys, SecretError | NotBootstrapped>
    /** The operator's root key, while this store still has it. */
    readonly root: Effect.Effect<Redacted.Redacted<string> | undefined, SecretError>
    readonly removeRoot: Effect.Effect<void, SecretError>
    /** Makes the tenant's keys unless there are some. */
    readonly ensureTenant: (tenant: TenantSlug) => Effect.Effect<TenantKeys, SecretError>
    readonly tenant: (tenant: TenantSlug) => Effect.Effect<TenantKeys | undefined, SecretError>
    readonly removeTenant: (tenant: TenantSlug) => Effect.Effect<void, SecretError>
  }
>()("@bulkhead/account-signer/Keyring") {
  static readonly layer: Layer.Layer<Keyring, never, SecretStore> = Layer.effect(
    Keyring,
    Effect.suspend(() => make)
  )
}

const make = Effect.gen(function* () {
  const store = yield* SecretStore

  const readInstallation = Effect.map(store.read(INSTALLATION), (text) =>
    text === undefined ? undefined : decodeInstallation(text)
  )

  /** What stands in the store after this is what counts, whoever wrote it. */
  const ensureRoot = Effect.gen(function* () {
    const found = yield* store.read(ROOT)
    if (found !== undefined) return NKey.fromSeed(found)
    yield* store.create(ROOT, NKey.make("operator").seed)
    const root = yield* store.read(ROOT)
    return root === undefined ? yield* Effect.die("the root key was removed while it was made") : NKey.fromSeed(root)
  })

  const ensureInstallation = Effect.fn("Keyring.ensureInstallation")(function* (name: string) {
    // First of all: where the root key was taken away, an installation is there all the same.
    const found = yield* readInstallation
    if (found !== undefined) return found
    const root = yield* ensureRoot
    const made = yield* Effect.promise(() => makeInstallation(name, root))
    yield* store.create(INSTALLATION, encodeInstallation(made))
    return (yield* readInstallation) ?? made
  })

  const tenant = Effect.fn("Keyring.tenant")(function* (slug: TenantSlug) {
    const text = yield* store.read(accountOf(slug))
    return text === undefined ? undefined : decodeTenantKeys(text)
  })

  const ensureTenant = Effect.fn("Keyring.ensureTenant")(function* (slug: TenantSlug) {
    const found = yield* tenant(slug)
    if (found !== undefined) return found
    const made = makeTenantKeys()
    const outcome = yield* store.create(accountOf(slug), encodeTenantKeys(made))
    return outcome === "created" ? made : ((yield* tenant(slug)) ?? made)
  })

  return Keyring.of({
    ensureInstallation,
    installation: Effect.flatMap(readInstallation, (found) =>
      found === undefined ? Effect.fail(new NotBootstrapped({})) : Effect.succeed(found)
    ),
    root: store.read(ROOT),
    removeRoot: store.remove(ROOT),
    ensureTenant,
    tenant,
    removeTenant: (slug) => store.remove(accountOf(slug))
  })
})
