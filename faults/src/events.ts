/** The events of a run: OCSF as the poller sends it, about a kilobyte when stored. */

const encoder = new TextEncoder()

export const encode = (value: unknown): Uint8Array => encoder.encode(JSON.stringify(value))

/** The fields of a valid event. */
export const eventOf = (tenant: string, number: number, id: string, time: Date) => ({
  id,
  time: time.toISOString(),
  class_uid: 1008,
  category_uid: 1,
  type_uid: 100_801,
  activity_id: 1,
  severity_id: 1,
  message: `event ${String(number).padStart(10, "0")} of ${tenant}`,
  metadata: { version: "1.7.0", product: { name: "faults", vendor_name: "Bulkhead" } },
  device: { hostname: `${tenant}-host`, ip: "192.0.2.1" },
  unmapped: { owner: tenant, number: String(number).padStart(10, "0") }
})
