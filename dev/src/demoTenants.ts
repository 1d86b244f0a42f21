/** The three customers of the local platform; nothing but these names is special about them. */
import { ChannelError, parseSlug, type TenantSlug } from "@bulkhead/channels"

export interface DemoTenant {
  readonly slug: TenantSlug
  readonly name: string
  /** How the addresses of its devices begin. */
  readonly network: string
}

const demoTenant = (text: string, name: string, network: string): DemoTenant => {
  const slug = parseSlug(text)
  if (slug instanceof ChannelError) throw slug
  return { slug, name, network }
}

export const demoTenants: ReadonlyArray<DemoTenant> = [
  demoTenant("acme", "Acme Corporation", "10.201.0."),
  demoTenant("globex", "Globex", "10.202.0."),
  demoTenant("initech", "Initech", "10.203.0.")
]
