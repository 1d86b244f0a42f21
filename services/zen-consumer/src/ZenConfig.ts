/**
 * Every variable zen-consumer itself reads; `RULES_*`, `NATS_*`, `OPS_*`, `LOG_*` and `OTEL_*` stand in the READMEs of
 * the packages that use them.
 *
 * | variable | type, unit | default | meaning |
 * |---|---|---|---|
 * | `ZEN_BATCH_MESSAGES_MAX` | messages | `200` | so many of a tenant's messages are decided on at a time |
 * | `ZEN_BATCH_BYTES_MAX` | bytes | `4194304` | … or so many bytes |
 * | `ZEN_BATCH_AGE_MS` | milliseconds | `10` | … or what has come when the first has waited this long |
 * | `ZEN_RECONCILE_MS` | milliseconds | `2000` | how often new tenants are looked for |
 */
import { Config, Context, Layer, Schema } from "effect"

const positive = (name: string, fallback: number) =>
  Config.schema(Schema.Int.check(Schema.isGreaterThan(0)), name).pipe(Config.withDefault(fallback))

const config = Config.all({
  batchMessagesMax: positive("ZEN_BATCH_MESSAGES_MAX", 200),
  batchBytesMax: positive("ZEN_BATCH_BYTES_MAX", 4 * 1024 * 1024),
  batchAgeMs: positive("ZEN_BATCH_AGE_MS", 10),
  reconcileMs: positive("ZEN_RECONCILE_MS", 2_000)
})

/** The settings of one process. */
export class ZenConfig extends Context.Service<ZenConfig, Config.Success<typeof config>>()(
  "@bulkhead/zen-consumer/ZenConfig"
) {
  static readonly layer = Layer.effect(ZenConfig, config)
}
