/**
 * The part of a server's configuration that puts it under an operator: claims of accounts are kept in a folder and taken
 * from whoever the system account lets push them.
 */
import type { InstallationClaims, InstallationKeys } from "./Installation.ts"

/** Public keys and claims alone: nothing in it is secret. `folder` belongs to one server. */
export const resolverConfig = (
  claims: InstallationClaims,
  keys: Pick<InstallationKeys, "system" | "platform">,
  folder: string
): string => `
operator: ${claims.operator}
system_account: ${keys.system.identity.publicKey}
resolver: {
  type: full
  dir: "${folder}"
  allow_delete: true
  interval: "2m"
  limit: 100000
}
resolver_preload: {
  ${keys.system.identity.publicKey}: ${claims.system}
  ${keys.platform.identity.publicKey}: ${claims.platform}
}
`
