import { Effect } from "effect"
import { Database } from "./Database.ts"
import { CONTROL_SCHEMA, controlMigrations } from "./internal/controlMigrations.ts"
import { inOneTrip } from "./internal/inOneTrip.ts"
import { ifLaneWriters, LANE_WRITERS } from "./internal/laneWriters.ts"
import { asStorageError } from "./internal/sqlFailure.ts"
import { migrateServiceSchema } from "./migrateServiceSchema.ts"

/** Every time, because the role may be made after the schema. */
const grantToLaneWriters = Effect.gen(function* () {
  const { sql } = yield* Database
  yield* inOneTrip(sql, [
    ifLaneWriters([
      `grant usage on schema bulkhead to ${LANE_WRITERS}`,
      `grant select on bulkhead.tenants to ${LANE_WRITERS}`,
      `grant select, insert, update, delete on bulkhead.shared_lanes, bulkhead.held_tenants to ${LANE_WRITERS}`
    ])
  ]).pipe(asStorageError("migrateControlSchema"))
})

/** The control schema `bulkhead`, made or brought up to date: see `migrateServiceSchema`. */
export const migrateControlSchema = migrateServiceSchema(CONTROL_SCHEMA, controlMigrations).pipe(
  Effect.tap(() => grantToLaneWriters)
)
