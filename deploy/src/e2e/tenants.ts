import { ChannelError, parseSlug, type TenantSlug } from "@bulkhead/channels"

const slugOf = (text: string): TenantSlug => {
  const slug = parseSlug(text)
  if (slug instanceof ChannelError) throw slug
  return slug
}

/** The tenants of the profile `multi-tenant`. */
export const tenants: ReadonlyArray<TenantSlug> = ["acme", "globex", "initech"].map(slugOf)
