/**
 * AES-256-GCM with a random 96-bit nonce. The name is associated data: what was sealed for one name opens for no other.
 */
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto"
import { Redacted } from "effect"
import { SecretUnreadable } from "../SecretError.ts"
import type { SecretName } from "../SecretName.ts"
import type { SealingKey, SealingKeys } from "./SealingKeys.ts"

/** A secret as it rests. */
export interface Sealed {
  readonly keyId: string
  readonly nonce: Uint8Array
  /** The ciphertext, then the 16 bytes of the tag. */
  readonly sealed: Uint8Array
}

const ALGORITHM = "aes-256-gcm"
const NONCE_BYTES = 12
const TAG_BYTES = 16

/** No name holds a line feed, so no two names give the same bytes. */
const associatedData = (name: SecretName) => Buffer.from(`bulkhead.secret\n${name.owner}\n${name.purpose}`)

export const seal = (name: SecretName, value: Redacted.Redacted<string>, { id, key }: SealingKey): Sealed => {
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES }).setAAD(associatedData(name))
  const sealed = Buffer.concat([cipher.update(Redacted.value(value), "utf8"), cipher.final(), cipher.getAuthTag()])
  return { keyId: id, nonce, sealed }
}

const opened = (name: SecretName, { nonce, sealed }: Sealed, { key }: SealingKey): Redacted.Redacted<string> => {
  const decipher = createDecipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES })
    .setAAD(associatedData(name))
    .setAuthTag(sealed.subarray(-TAG_BYTES))
  const text = Buffer.concat([decipher.update(sealed.subarray(0, -TAG_BYTES)), decipher.final()])
  return Redacted.make(text.toString("utf8"))
}

export const unseal = (
  name: SecretName,
  row: Sealed,
  keys: SealingKeys
): Redacted.Redacted<string> | SecretUnreadable => {
  const key = keys.byId.get(row.keyId)
  if (key === undefined) {
    return new SecretUnreadable({
      ...name,
      problem: `was sealed with key "${row.keyId}", which is not among the keys ${[...keys.byId.keys()].join(", ")}`,
      nextStep: "put that key back into SECRETS_KEYS, after the first"
    })
  }
  try {
    return opened(name, row, key)
  } catch {
    // OpenSSL does not say which of these it was, and nobody can.
    return new SecretUnreadable({
      ...name,
      problem: `does not open with key "${row.keyId}"`,
      nextStep: `"${row.keyId}" in SECRETS_KEYS is another key than it was, or the row was damaged or copied from another name`
    })
  }
}
