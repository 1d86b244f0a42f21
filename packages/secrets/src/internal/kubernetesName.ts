import { createHash } from "node:crypto"
import type { SecretName } from "../SecretName.ts"

const HASH_LENGTH = 40
const READABLE_LENGTH_MAX = 40

/** 160 bits of SHA-256 over texts, none of which holds a line feed. */
export const hashOf = (...texts: ReadonlyArray<string>): string =>
  createHash("sha256").update(texts.join("\n")).digest("hex").slice(0, HASH_LENGTH)

const readable = (text: string): string =>
  text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .slice(0, READABLE_LENGTH_MAX)

/**
 * The name of a Secret object: a person recognises it, and the hash keeps apart what looks alike. DNS names have fewer
 * characters, and fewer kinds of them, than names of secrets, so no readable form alone could.
 */
export const kubernetesName = (prefix: string, { owner, purpose }: SecretName): string =>
  `${prefix}-${readable(owner)}-${readable(purpose)}-${hashOf(prefix, owner, purpose)}`
