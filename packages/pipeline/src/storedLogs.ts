/**
 * The setting that every writer of records reads: `RECORDS_LOGS`, `processed` or `raw`. It is one for all of them, since
 * they may go on with each other's lanes.
 */
import type { StoredLogs } from "@bulkhead/nats"
import { Config, Schema } from "effect"

export const storedLogs = Config.schema(Schema.Literals(["processed", "raw"]), "RECORDS_LOGS").pipe(
  Config.withDefault<StoredLogs>("processed")
)
