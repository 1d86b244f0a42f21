/**
 * Every setting of db-event-writer itself; those of `DATABASE_`, `NATS_`, `OPS_`, `LOG_` and `OTEL_` belong to the packages
 * that use them.
 */
import { storedLogs } from "@bulkhead/pipeline"
import { readSettings, Setting, type SettingValues } from "@bulkhead/settings"
import { Context, Layer } from "effect"

const positive = (name: string, unit: string, meaning: string) => Setting.whole(name, unit, { from: 1 }, meaning)

export const dbEventWriterSettings = {
  configFile: Setting.text(
    "DB_EVENT_WRITER_CONFIG_FILE",
    "a JSON object with any of the settings that db-event-writer reads; the environment wins",
    "path"
  ).optional,
  storedLogs,
  batchRowsMax: positive(
    "DB_EVENT_WRITER_BATCH_ROWS_MAX",
    "messages",
    "a batch of all tenants is written when it has this many"
  ).or(10_000),
  batchBytesMax: positive("DB_EVENT_WRITER_BATCH_BYTES_MAX", "bytes", "… or this many bytes").or(16 * 1024 * 1024),
  batchAgeMs: positive(
    "DB_EVENT_WRITER_BATCH_AGE_MS",
    "milliseconds",
    "… or when its first message has waited this long"
  ).or(50),
  commitsAtOnce: positive(
    "DB_EVENT_WRITER_COMMITS_AT_ONCE",
    "tenants",
    "so many tenants' parts of a batch are committed at a time"
  ).or(6),
  heldAtOnce: positive(
    "DB_EVENT_WRITER_HELD_AT_ONCE",
    "tenants",
    "so many tenants that are held back are tried at a time"
  ).or(3),
  slowMs: positive("DB_EVENT_WRITER_SLOW_MS", "milliseconds", "a tenant whose commit takes longer is held back").or(
    5_000
  )
}

/** The settings of one process. */
export class DbEventWriterConfig extends Context.Service<
  DbEventWriterConfig,
  SettingValues<typeof dbEventWriterSettings>
>()("@bulkhead/db-event-writer/DbEventWriterConfig") {
  static readonly layer = Layer.effect(DbEventWriterConfig, readSettings(dbEventWriterSettings))
}
