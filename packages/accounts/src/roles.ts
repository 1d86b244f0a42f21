/**
 * The roles of a tenant's users. Each has a signing key of its own, and the account's claims say what that key can give
 * at most: the server takes the permissions from the claims and refuses a user that brings others.
 *
 * | role | publishes | reads | connects |
 * |---|---|---|---|
 * | `collector` | telemetry under every root | answers | as a client |
 * | `service` | events and logs | answers, what the platform gives back | as a client |
 * | `viewer` | nothing | what the platform gives back | as a client |
 * | `leaf` | telemetry under every root | answers, what the platform gives back | as a leaf node |
 *
 * Answers arrive under `_INBOX.>`, which the users of one tenant share: ready-made collectors cannot be given an inbox
 * of their own, and the wall between tenants is the account.
 */
import { ROOTS } from "@bulkhead/channels"
import { newScopedSigner, type SigningKey, type UserPermissionsLimits } from "@nats-io/jwt"
import { Schema } from "effect"
import type { NKey } from "./NKey.ts"

export const TenantRole = Schema.Literals(["collector", "service", "viewer", "leaf"])
export type TenantRole = typeof TenantRole.Type
export const TENANT_ROLES = TenantRole.literals

const INBOX = "_INBOX.>"
const PLATFORM = "platform.>"
const telemetry = ROOTS.map((root) => `${root}.>`)
/** No rule at all would mean everything. */
const nothing = { deny: [">"] }

const asClient = { allowed_connection_types: ["STANDARD", "WEBSOCKET"] as const }
const asLeaf = { allowed_connection_types: ["LEAFNODE", "LEAFNODE_WS"] as const }

const templates = {
  collector: { ...asClient, pub: { allow: telemetry }, sub: { allow: [INBOX] } },
  service: { ...asClient, pub: { allow: ["events.>", "logs.>"] }, sub: { allow: [INBOX, PLATFORM] } },
  viewer: { ...asClient, pub: nothing, sub: { allow: [PLATFORM] } },
  leaf: { ...asLeaf, pub: { allow: telemetry }, sub: { allow: [INBOX, PLATFORM] } }
} as const

/** The entry of a role's key in the account's claims. */
export const scopeOf = (role: TenantRole, key: NKey): SigningKey => {
  // The library's types are mutable; it copies the template.
  const template = templates[role] as unknown as Partial<UserPermissionsLimits>
  return newScopedSigner(key.signer, role, template as UserPermissionsLimits)
}
