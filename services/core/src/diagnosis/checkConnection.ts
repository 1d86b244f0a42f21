/**
 * Whether core reaches the two servers that every message needs.
 */
import { Nats } from "@bulkhead/nats"
import { Database } from "@bulkhead/storage"
import { Effect } from "effect"
import { failed, ok } from "./finding.ts"

export const checkConnection = Effect.gen(function* () {
  const isConnected = yield* (yield* Nats).isConnected
  const isUp = yield* (yield* Database).isUp
  if (!isConnected) return failed("core is not connected to NATS", "Check nats-server, and NATS_URL of core")
  if (!isUp) return failed("PostgreSQL does not answer core", "Check PostgreSQL, and DATABASE_URL of core")
  return ok("core reaches NATS and PostgreSQL")
})
