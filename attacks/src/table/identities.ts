/** Credentials that are forged, stolen, old, or of the wrong role. */
import { makeInstallation, makeTenantKeys, NKey, signPlatformUser, signTenantUser } from "@bulkhead/accounts"
import { encodeUser } from "@nats-io/jwt"
import { type Attack, type Attempt, attack } from "../Attack.ts"

const ONLY_DIRECT = ["direct"] as const

const soon = () => new Date(Date.now() + 3_600_000)
const identity = (key: NKey, expiresAt = soon()) => ({ name: "forged", publicKey: key.publicKey, expiresAt })

type Forge = (attempt: Attempt, key: NKey) => Promise<string>

const base64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url")

/** Good claims of the attacker's with something changed after they were signed. */
const edited =
  (change: (claims: { nats: Record<string, unknown>; [field: string]: unknown }) => unknown): Forge =>
  async ({ world }, key) => {
    const [header, body = "", signature] = (
      await signTenantUser(identity(key), "collector", world.attacker.keys)
    ).split(".")
    const claims = JSON.parse(Buffer.from(body, "base64url").toString())
    return [header, base64(change(claims)), signature].join(".")
  }

const FORGERIES: Readonly<Record<string, Forge>> = {
  "claims whose permissions were edited": edited((claims) => ({
    ...claims,
    nats: { ...claims.nats, pub: { allow: [">"] } }
  })),
  "claims whose account was edited": async (attempt, key) =>
    edited((claims) => ({
      ...claims,
      nats: { ...claims.nats, issuer_account: attempt.world.victim.keys.publicKey }
    }))(attempt, key),
  "claims that live longer than they were signed for": edited((claims) => ({ ...claims, exp: 4_000_000_000 })),
  "claims without a signature": async ({ world }, key) => {
    const claims = await signTenantUser(identity(key), "collector", world.attacker.keys)
    return `${claims.split(".").slice(0, 2).join(".")}.`
  },
  "claims that say they need no signature": async ({ world }, key) => {
    const [, body] = (await signTenantUser(identity(key), "collector", world.victim.keys)).split(".")
    return `${base64({ typ: "JWT", alg: "none" })}.${body}.`
  },
  "a user of the victim's account, signed by its own role key": ({ world }, key) =>
    signTenantUser(identity(key), "collector", { ...world.attacker.keys, publicKey: world.victim.keys.publicKey }),
  "a user of the platform's account, signed by its own role key": ({ world }, key) =>
    signTenantUser(identity(key), "collector", {
      ...world.attacker.keys,
      publicKey: world.installation.keys.platform.publicKey
    }),
  "a user of the system account, signed by its own role key": ({ world }, key) =>
    signTenantUser(identity(key), "collector", {
      ...world.attacker.keys,
      publicKey: world.installation.keys.system.publicKey
    }),
  "a user that brings permissions of its own under a role's key": ({ world }, key) =>
    encodeUser(
      "forged",
      key.publicKey,
      world.attacker.keys.publicKey,
      { pub: { allow: [">"] }, sub: { allow: [">"] } },
      { signer: world.attacker.keys.signing.collector.signer }
    ),
  "a bearer token": ({ world }, key) =>
    encodeUser("forged", key.publicKey, world.attacker.keys.publicKey, { bearer_token: true } as object, {
      signer: world.attacker.keys.signing.collector.signer
    }),
  "a user of an account that nobody knows": (_, key) => signTenantUser(identity(key), "collector", makeTenantKeys()),
  "a user of another installation's platform": async (_, key) => {
    const stranger = await makeInstallation("stranger", NKey.make("operator"))
    return signPlatformUser(identity(key), { pub: { allow: [">"] }, sub: { allow: [">"] } }, stranger.platform)
  },
  "a user whose time is over": ({ world }, key) =>
    signTenantUser(identity(key, new Date(Date.now() - 60_000)), "collector", world.attacker.keys),
  "a user of a suspended tenant": ({ world }, key) => signTenantUser(identity(key), "collector", world.suspended.keys),
  "a user of a deleted tenant": ({ world }, key) => signTenantUser(identity(key), "collector", world.deleted.keys),
  "leaf credentials as a client": ({ world }, key) => signTenantUser(identity(key), "leaf", world.attacker.keys)
}

export const identities: ReadonlyArray<Attack> = [
  ...Object.entries(FORGERIES).map(([what, forge]) =>
    attack(
      `enter with ${what}`,
      async (attempt) => {
        const key = NKey.make("user")
        await attempt.enter(await forge(attempt, key), key)
      },
      ONLY_DIRECT
    )
  ),
  attack(
    "enter with credentials that were revoked",
    ({ enter, world }) => enter(world.revokedUser.claims, world.revokedUser.key),
    ONLY_DIRECT
  ),
  attack(
    "enter with the victim's claims and another key",
    async ({ enter, world }) => {
      const stolen = await signTenantUser(identity(NKey.make("user")), "collector", world.victim.keys)
      await enter(stolen, NKey.make("user"))
    },
    ONLY_DIRECT
  )
]
