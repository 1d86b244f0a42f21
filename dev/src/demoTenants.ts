/** The three customers of the local platform; nothing but these names is special about them. */
import { ChannelError, parseSlug, type TenantSlug } from "@bulkhead/channels"

export interface DemoTenant {
  readonly slug: TenantSlug
  readonly name: string
}

const demoTenant = (text: string, name: string): DemoTenant => {
  const slug = parseSlug(text)
  if (slug instanceof ChannelError) throw slug
  return { slug, name }
}

export const demoTenants: ReadonlyArray<DemoTenant> = [
  demoTenant("acme", "Acme Corporation"),
  demoTenant("globex", "Globex"),
  demoTenant("initech", "Initech")
]
