/** A gateway's health event, as publishers send it. */
export const event = {
  id: "0d1fa1b2-0000-4000-8000-000000000001",
  time: "2026-01-14T10:00:00Z",
  class_uid: 1008,
  category_uid: 1,
  type_uid: 100801,
  activity_id: 1,
  activity_name: "Create",
  severity_id: 5,
  severity: "Critical",
  message: "gateway gw-3 went down",
  metadata: { version: "1.7.0", product: { vendor_name: "acme", name: "core" } },
  observables: [{ name: "gateway_id", value: "gw-3" }],
  unmapped: { gateway_id: "gw-3", previous_state: "healthy", current_state: "unhealthy" },
  tenant_id: "7b9c3a52-0000-4000-8000-000000000002"
}

export const bytes = (value: unknown): Uint8Array =>
  new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value))
