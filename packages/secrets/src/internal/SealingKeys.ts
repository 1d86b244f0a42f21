/**
 * The keys that seal secrets in PostgreSQL, from text `keyid:base64(32 bytes)`, separated by commas or newlines. The
 * first seals; the others only open what they once sealed.
 */
import { createSecretKey, type KeyObject } from "node:crypto"
import { Effect, Redacted } from "effect"
import { SecretStoreMisconfigured } from "../SecretError.ts"

/** One key; its bytes stay inside `node:crypto`. */
export interface SealingKey {
  readonly id: string
  readonly key: KeyObject
}

export interface SealingKeys {
  /** Seals. */
  readonly first: SealingKey
  readonly byId: ReadonlyMap<string, SealingKey>
}

const KEY_BYTES = 32
const KEY_ID = /^[A-Za-z0-9_.-]{1,64}$/

const problem = (place: string, what: string) =>
  new SecretStoreMisconfigured({
    problem: `SECRETS_KEYS, ${place}, ${what}`,
    nextStep: 'write keyid:base64(32 bytes), such as "2026-11:" and what `openssl rand -base64 32` prints'
  })

/** What is no key is not shown, since it may be the key itself. */
const parseKey = (entry: string, place: string): SealingKey | SecretStoreMisconfigured => {
  const [id = "", text, ...rest] = entry.split(":")
  if (text === undefined || rest.length > 0 || !KEY_ID.test(id)) return problem(place, "is no keyid:base64")
  const bytes = Buffer.from(text, "base64")
  if (bytes.toString("base64") !== text) return problem(`${place} ("${id}")`, "is no base64")
  if (bytes.length !== KEY_BYTES) return problem(`${place} ("${id}")`, `has ${bytes.length} bytes, not ${KEY_BYTES}`)
  return { id, key: createSecretKey(bytes) }
}

/** Reads the keys out of their text. Fails with `SecretStoreMisconfigured`, which holds no key. */
export const parseSealingKeys = (
  text: Redacted.Redacted<string>
): Effect.Effect<SealingKeys, SecretStoreMisconfigured> =>
  Effect.gen(function* () {
    const entries = Redacted.value(text)
      .split(/[,\n]/)
      .map((entry) => entry.trim())
      .filter((entry) => entry !== "")
    const byId = new Map<string, SealingKey>()
    for (const [index, entry] of entries.entries()) {
      const key = parseKey(entry, `entry ${index + 1}`)
      if (key instanceof SecretStoreMisconfigured) return yield* key
      if (byId.has(key.id)) return yield* problem(`entry ${index + 1}`, `has the id "${key.id}" of another`)
      byId.set(key.id, key)
    }
    const [first] = byId.values()
    return first === undefined ? yield* problem("as it stands", "has no key") : { first, byId }
  })
