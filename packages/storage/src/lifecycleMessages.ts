/**
 * The messages that tell the platform what happened to a tenant: one for those who run workloads for tenants, and one
 * OCSF event among the tenant's own.
 */
import { CHANNELS } from "@bulkhead/channels"
import type { Tenant } from "@bulkhead/tenancy"
import { DateTime } from "effect"

/** What happened to a tenant; the last token of the lifecycle subject. */
export type TenantChange = "created" | "updated" | "deleted"

/** A message that waits to be published. */
export interface OutboxDraft {
  /** `lifecycle` goes out under the subject as it is, `event` under the tenant's prefix. */
  readonly kind: "lifecycle" | "event"
  readonly subject: string
  readonly payload: Readonly<Record<string, unknown>>
}

/** OCSF 1.7 "Entity Management" and its activities. */
const ENTITY_MANAGEMENT = { categoryUid: 3, classUid: 3004 } as const
const ACTIVITIES = {
  created: { id: 1, name: "Create" },
  updated: { id: 3, name: "Update" },
  deleted: { id: 4, name: "Delete" }
} as const

/**
 * The messages about one change; a tenant that is gone has no events of its own to read it among. `eventId` makes the event recognisable when it is published twice.
 */
export const lifecycleMessages = (
  tenant: Tenant,
  change: TenantChange,
  eventId: string
): ReadonlyArray<OutboxDraft> => [
  {
    kind: "lifecycle",
    subject: CHANNELS.tenantLifecycle.subject.replace("*", change),
    payload: {
      event_type: `tenant.${change}`,
      tenant_id: tenant.id,
      tenant_slug: tenant.slug,
      status: tenant.status,
      plan: tenant.plan,
      is_platform_tenant: false,
      timestamp: DateTime.formatIso(tenant.updatedAt)
    }
  },
  ...(change === "deleted"
    ? []
    : [{ kind: "event", subject: CHANNELS.ocsfEvents.subject, payload: tenantEvent(tenant, change, eventId) } as const])
]

const tenantEvent = (tenant: Tenant, change: TenantChange, eventId: string) => {
  const activity = ACTIVITIES[change]
  return {
    id: eventId,
    time: DateTime.formatIso(tenant.updatedAt),
    class_uid: ENTITY_MANAGEMENT.classUid,
    category_uid: ENTITY_MANAGEMENT.categoryUid,
    type_uid: ENTITY_MANAGEMENT.classUid * 100 + activity.id,
    activity_id: activity.id,
    activity_name: activity.name,
    severity_id: 1,
    severity: "Informational",
    message: `tenant ${tenant.slug} ${change}, status ${tenant.status}`,
    metadata: { version: "1.7.0", product: { vendor_name: "Bulkhead", name: "core" } },
    log_name: CHANNELS.ocsfEvents.subject,
    log_provider: "bulkhead",
    unmapped: { tenant_slug: tenant.slug, status: tenant.status, plan: tenant.plan },
    tenant_id: tenant.id
  }
}
