/**
 * A NATS key: an Ed25519 pair whose text form names its kind. Making a pair and signing are Node's crypto, which is
 * about a hundred times faster than the JavaScript that comes with nkeys: onboarding a tenant is mostly signing.
 */
import { createPrivateKey, createPublicKey, type KeyObject, randomBytes, sign, verify } from "node:crypto"
import { type KeyPair, Prefix } from "@nats-io/nkeys"
import { Codec } from "@nats-io/nkeys/lib/codec.js"
import { Redacted } from "effect"

/** Whose key it is; the first letter of its public text says so. */
export type NKeyKind = "operator" | "account" | "user"

const prefixes: Readonly<Record<NKeyKind, Prefix>> = {
  operator: Prefix.Operator,
  account: Prefix.Account,
  user: Prefix.User
}

const SEED_BYTES = 32
/** What stands before the 32 bytes of an Ed25519 seed in PKCS #8 (RFC 8410). */
const PKCS8_ED25519 = Buffer.from("302e020100300506032b657004220420", "hex")

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)
const bytes = (value: string): Uint8Array => new TextEncoder().encode(value)

const notSupported = (): never => {
  throw new Error("this key signs and verifies, and nothing else")
}

/** A pair that can sign. It prints as its public key and never as its seed. */
export class NKey {
  readonly publicKey: string
  /** The seed's text, `SO…`, `SA…` or `SU…`. */
  readonly seed: Redacted.Redacted<string>
  readonly #signingKey: KeyObject
  readonly #verifyingKey: KeyObject

  private constructor(prefix: Prefix, rawSeed: Uint8Array) {
    const der = Buffer.concat([PKCS8_ED25519, rawSeed])
    this.#signingKey = createPrivateKey({ key: der, format: "der", type: "pkcs8" })
    this.#verifyingKey = createPublicKey(this.#signingKey)
    const { x = "" } = this.#verifyingKey.export({ format: "jwk" })
    this.publicKey = text(Codec.encode(prefix, Buffer.from(x, "base64url")))
    this.seed = Redacted.make(text(Codec.encodeSeed(prefix, rawSeed)))
  }

  /** A new random key. */
  static make(kind: NKeyKind): NKey {
    return new NKey(prefixes[kind], randomBytes(SEED_BYTES))
  }

  /** The key of a seed. Throws `NKeysError` for a text that is none; the error does not repeat it. */
  static fromSeed(seed: Redacted.Redacted<string>): NKey {
    const { prefix, buf } = Codec.decodeSeed(bytes(Redacted.value(seed)))
    return new NKey(prefix, buf)
  }

  /** What `@nats-io/jwt` signs with. It asks for the private key only to see that there is one. */
  get signer(): KeyPair {
    return {
      getPublicKey: () => this.publicKey,
      getPrivateKey: () => new Uint8Array(0),
      getSeed: () => bytes(Redacted.value(this.seed)),
      sign: (data: Uint8Array) => new Uint8Array(sign(null, data, this.#signingKey)),
      verify: (data: Uint8Array, signature: Uint8Array) => verify(null, data, this.#verifyingKey, signature),
      clear: () => {},
      seal: notSupported,
      open: notSupported
    }
  }

  toString(): string {
    return this.publicKey
  }
}
