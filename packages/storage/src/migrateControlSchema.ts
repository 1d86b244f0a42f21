import { CONTROL_SCHEMA, controlMigrations } from "./internal/controlMigrations.ts"
import { migrateServiceSchema } from "./migrateServiceSchema.ts"

/** The control schema `bulkhead`, made or brought up to date: see `migrateServiceSchema`. */
export const migrateControlSchema = migrateServiceSchema(CONTROL_SCHEMA, controlMigrations)
