/** A NATS operator with one account: what a test needs to hand out credentials files. */
import { nkeys } from "@nats-io/nats-core"

type KeyPair = ReturnType<typeof nkeys.createUser>

const base64url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url")

const signed = (issuer: KeyPair, subject: string, name: string, nats: object, expiresAtMs?: number): string => {
  const claims = {
    jti: name,
    iat: Math.floor(Date.now() / 1_000),
    iss: issuer.getPublicKey(),
    sub: subject,
    name,
    ...(expiresAtMs === undefined ? {} : { exp: Math.floor(expiresAtMs / 1_000) }),
    nats: { version: 2, ...nats }
  }
  const body = `${base64url({ typ: "JWT", alg: "ed25519-nkey" })}.${base64url(claims)}`
  return `${body}.${Buffer.from(issuer.sign(new TextEncoder().encode(body))).toString("base64url")}`
}

const unlimited = { subs: -1, data: -1, payload: -1, imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 }

export const makeOperator = () => {
  const operator = nkeys.createOperator()
  const account = nkeys.createAccount()
  const system = nkeys.createAccount()
  const accountJwt = (of: KeyPair, name: string) =>
    signed(operator, of.getPublicKey(), name, { type: "account", limits: unlimited })
  return {
    /** For the server's configuration. */
    config: `
operator: ${signed(operator, operator.getPublicKey(), "operator", { type: "operator" })}
system_account: ${system.getPublicKey()}
resolver: MEMORY
resolver_preload: {
  ${account.getPublicKey()}: ${accountJwt(account, "platform")}
  ${system.getPublicKey()}: ${accountJwt(system, "system")}
}`,
    /** A new user and the text of its credentials file. */
    makeUser: (name: string, expiresAtMs?: number) => {
      const user = nkeys.createUser()
      const rights = { type: "user", pub: {}, sub: {}, subs: -1, data: -1, payload: -1 }
      const jwt = signed(account, user.getPublicKey(), name, rights, expiresAtMs)
      const seed = new TextDecoder().decode(user.getSeed())
      const creds = [
        "-----BEGIN NATS USER JWT-----",
        jwt,
        "------END NATS USER JWT------",
        "",
        "-----BEGIN USER NKEY SEED-----",
        seed,
        "------END USER NKEY SEED------",
        ""
      ].join("\n")
      return { publicKey: user.getPublicKey(), creds }
    }
  }
}
