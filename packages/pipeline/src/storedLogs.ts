/**
 * The setting that every writer of records reads. It is one for all of them, since they may go on with each other's
 * lanes.
 */
import type { StoredLogs } from "@bulkhead/nats"
import { Setting } from "@bulkhead/settings"

export const storedLogs: Setting<StoredLogs> = Setting.choice(
  "RECORDS_LOGS",
  ["processed", "raw"],
  "which logs are written: zen's, or, where no zen runs, those that collectors publish; the same in all writers"
).or("processed")
