/**
 * A tenant after a change: what was asked for, and whether every server has it.
 */
import type { Tenant } from "@bulkhead/tenancy"
import { print } from "../../output/print.ts"

const inForce = ({ slug, status, generation, appliedGeneration }: Tenant): string => {
  const isPending = appliedGeneration < generation || status === "provisioning" || status === "deleting"
  return isPending ? `; a server is away, and it is finished by itself later: bulkhead doctor ${slug}` : ""
}

/** `what` is what became of the tenant: `is suspended`. */
export const printTenant = (tenant: Tenant, what: string) =>
  print(tenant, (tenant) => `Tenant "${tenant.slug}" ${what}${inForce(tenant)}`)
