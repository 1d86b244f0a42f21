/**
 * A NATS key: an Ed25519 pair whose text form names its kind. It signs with Node's crypto, which is about a hundred
 * times faster than the JavaScript signer that comes with nkeys: onboarding a tenant is mostly signing.
 */
import { createPrivateKey, type KeyObject, sign } from "node:crypto"
import { createAccount, createOperator, createUser, fromSeed, type KeyPair } from "@nats-io/nkeys"
import { Redacted } from "effect"

/** Whose key it is; the first letter of its public text says so. */
export type NKeyKind = "operator" | "account" | "user"

const create: Readonly<Record<NKeyKind, () => KeyPair>> = {
  operator: createOperator,
  account: createAccount,
  user: createUser
}

/** What stands before the 32 bytes of an Ed25519 seed in PKCS #8 (RFC 8410). */
const PKCS8_ED25519 = Buffer.from("302e020100300506032b657004220420", "hex")

/** Not in the interface of nkeys, but in each of its pairs that has a seed. */
type WithRawSeed = KeyPair & { readonly getRawSeed: () => Uint8Array }

/** A pair that can sign. It prints as its public key and never as its seed. */
export class NKey {
  readonly publicKey: string
  /** The seed's text, `SO…`, `SA…` or `SU…`. */
  readonly seed: Redacted.Redacted<string>
  readonly #pair: KeyPair
  readonly #signingKey: KeyObject

  private constructor(pair: KeyPair) {
    this.#pair = pair
    this.publicKey = pair.getPublicKey()
    this.seed = Redacted.make(new TextDecoder().decode(pair.getSeed()))
    const der = Buffer.concat([PKCS8_ED25519, (pair as WithRawSeed).getRawSeed()])
    this.#signingKey = createPrivateKey({ key: der, format: "der", type: "pkcs8" })
  }

  /** A new random key. */
  static make(kind: NKeyKind): NKey {
    return new NKey(create[kind]())
  }

  /** The key of a seed. Throws `NKeysError` for a text that is none; the error does not repeat it. */
  static fromSeed(seed: Redacted.Redacted<string>): NKey {
    return new NKey(fromSeed(new TextEncoder().encode(Redacted.value(seed))))
  }

  /** What `@nats-io/jwt` signs with. */
  get signer(): KeyPair {
    const pair = this.#pair
    return {
      getPublicKey: () => pair.getPublicKey(),
      getPrivateKey: () => pair.getPrivateKey(),
      getSeed: () => pair.getSeed(),
      sign: (data: Uint8Array) => new Uint8Array(sign(null, data, this.#signingKey)),
      verify: (data: Uint8Array, signature: Uint8Array) => pair.verify(data, signature),
      clear: () => pair.clear(),
      seal: (data, recipient, nonce) => pair.seal(data, recipient, nonce),
      open: (data, sender) => pair.open(data, sender)
    }
  }

  toString(): string {
    return this.publicKey
  }
}
