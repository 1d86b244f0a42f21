/**
 * Names of secrets, and what every store takes as a name and as a value, so that a secret can move between stores.
 */
import { SecretInvalid } from "./SecretError.ts"

/** Whose secret it is and what for; both are 1 to 200 characters of `[A-Za-z0-9_.-]`. */
export interface SecretName {
  /** A tenant's slug, or `installation`. */
  readonly owner: string
  readonly purpose: string
}

/** Half of what the smallest store (a Kubernetes Secret, in base64) can hold. */
export const SECRET_BYTES_MAX = 262_144

const NAME_PART = /^[A-Za-z0-9_.-]{1,200}$/

/** Why `text` can be no owner or purpose. */
export const namePartProblem = (part: keyof SecretName, text: string): SecretInvalid | undefined =>
  NAME_PART.test(text)
    ? undefined
    : new SecretInvalid({
        problem: `"${text.slice(0, 60)}", ${text.length} characters, is no ${part} of a secret`,
        nextStep: "take 1 to 200 characters of A-Z, a-z, 0-9, _, . and -"
      })

/** Why `value` can be no secret; says nothing of its text. */
export const valueProblem = (name: SecretName, value: string): SecretInvalid | undefined => {
  const secret = `The value for "${name.owner}/${name.purpose}"`
  const bytes = Buffer.byteLength(value)
  if (bytes > SECRET_BYTES_MAX) {
    return new SecretInvalid({
      problem: `${secret} is ${bytes} bytes, more than ${SECRET_BYTES_MAX}`,
      nextStep: "store a key here and the data elsewhere"
    })
  }
  if (value.isWellFormed()) return undefined
  return new SecretInvalid({ problem: `${secret} is no well-formed text`, nextStep: "encode bytes as base64" })
}
