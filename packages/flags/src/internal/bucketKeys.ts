/**
 * How flags stand in the bucket: `<FLAG>.everyone`, `<FLAG>.rollout` (`20%:true`) and `<FLAG>.tenant.<slug>`.
 */
import { isTenantSlug, type TenantSlug } from "@bulkhead/channels"

export const FLAG_BUCKET = "bulkhead-flags"

/** Which setting of a flag a key holds. */
export type FlagScope =
  | { readonly kind: "everyone" }
  | { readonly kind: "rollout" }
  | { readonly kind: "tenant"; readonly tenant: TenantSlug }

export const keyOf = (flag: string, scope: FlagScope): string =>
  scope.kind === "tenant" ? `${flag}.tenant.${scope.tenant}` : `${flag}.${scope.kind}`

/** Reads a key; undefined for one that is none of ours. */
export const parseKey = (key: string): { readonly flag: string; readonly scope: FlagScope } | undefined => {
  const [flag = "", kind, tenant, ...rest] = key.split(".")
  if (rest.length > 0) return undefined
  if (kind === "tenant") return isTenantSlug(tenant) ? { flag, scope: { kind, tenant } } : undefined
  return (kind === "everyone" || kind === "rollout") && tenant === undefined ? { flag, scope: { kind } } : undefined
}

/** The text of a rollout, `20%:true`; undefined for a share that `parseRollout` would not read back. */
export const printRollout = (percent: number, value: string): string | undefined => {
  const text = `${percent}%:${value}`
  return parseRollout(text)?.percent === percent ? text : undefined
}

/** What a share of the tenants may be, for people. */
export const SHARE_ALLOWED = "a share from 0 to 100 with at most 4 decimals"

/** Reads the text of a rollout; undefined when it is none or its share is not allowed. */
export const parseRollout = (text: string): { readonly percent: number; readonly value: string } | undefined => {
  const match = /^(\d{1,3}(?:\.\d{1,4})?)%:(.*)$/.exec(text)
  const percent = Number(match?.[1])
  return match?.[2] === undefined || percent > 100 ? undefined : { percent, value: match[2] }
}
