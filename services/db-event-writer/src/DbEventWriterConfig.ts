/**
 * Every variable db-event-writer itself reads; `DATABASE_*`, `NATS_*`, `OPS_*`, `LOG_*` and `OTEL_*` stand in the READMEs
 * of the packages that use them.
 *
 * | variable | type, unit | default | meaning |
 * |---|---|---|---|
 * | `RECORDS_LOGS` | `processed`, `raw` | `processed` | which logs are written: zen's, or, where no zen runs, collectors' own; the same in core |
 * | `DB_EVENT_WRITER_BATCH_ROWS_MAX` | messages | `10000` | a batch of all tenants is written when it has this many messages |
 * | `DB_EVENT_WRITER_BATCH_BYTES_MAX` | bytes | `16777216` | … or this many bytes |
 * | `DB_EVENT_WRITER_BATCH_AGE_MS` | milliseconds | `50` | … or when its first message has waited this long |
 * | `DB_EVENT_WRITER_COMMITS_AT_ONCE` | tenants | `6` | so many tenants' parts of a batch are committed at a time |
 * | `DB_EVENT_WRITER_HELD_AT_ONCE` | tenants | `3` | so many tenants that are held back are tried at a time |
 * | `DB_EVENT_WRITER_SLOW_MS` | milliseconds | `5000` | a tenant whose commit takes longer is held back |
 */
import { storedLogs } from "@bulkhead/pipeline"
import { Config, Context, Layer, Schema } from "effect"

const positive = (name: string, fallback: number) =>
  Config.schema(Schema.Int.check(Schema.isGreaterThan(0)), name).pipe(Config.withDefault(fallback))

const config = Config.all({
  storedLogs,
  batchRowsMax: positive("DB_EVENT_WRITER_BATCH_ROWS_MAX", 10_000),
  batchBytesMax: positive("DB_EVENT_WRITER_BATCH_BYTES_MAX", 16 * 1024 * 1024),
  batchAgeMs: positive("DB_EVENT_WRITER_BATCH_AGE_MS", 50),
  commitsAtOnce: positive("DB_EVENT_WRITER_COMMITS_AT_ONCE", 6),
  heldAtOnce: positive("DB_EVENT_WRITER_HELD_AT_ONCE", 3),
  slowMs: positive("DB_EVENT_WRITER_SLOW_MS", 5_000)
})

/** The settings of one process. */
export class DbEventWriterConfig extends Context.Service<DbEventWriterConfig, Config.Success<typeof config>>()(
  "@bulkhead/db-event-writer/DbEventWriterConfig"
) {
  static readonly layer = Layer.effect(DbEventWriterConfig, config)
}
