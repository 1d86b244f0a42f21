/** OCSF events for tests: valid ones that say whose they are, and poison. */
import { randomUUID } from "node:crypto"

const encoder = new TextEncoder()

export const encode = (value: unknown): Uint8Array =>
  encoder.encode(typeof value === "string" ? value : JSON.stringify(value))

/** A valid event that carries its owner and its number, so that a row in a wrong schema or a gap can be seen. */
export const ocsfEvent = (owner: string, number: number): Uint8Array =>
  encode({
    id: randomUUID(),
    time: new Date().toISOString(),
    class_uid: 1008,
    category_uid: 1,
    type_uid: 100_801,
    activity_id: 1,
    severity_id: 1,
    message: `event ${number} of ${owner}`,
    unmapped: { owner, number }
  })
