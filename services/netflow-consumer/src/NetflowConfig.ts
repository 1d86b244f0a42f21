/**
 * Every setting of netflow-consumer itself; those of `FLOWS_`, `DATABASE_`, `NATS_`, `OPS_`, `LOG_` and `OTEL_` belong to the
 * packages that use them.
 */
import { readSettings, Setting, type SettingValues } from "@bulkhead/settings"
import { Context, Layer } from "effect"

const positive = (name: string, unit: string, meaning: string) => Setting.whole(name, unit, { from: 1 }, meaning)

export const netflowSettings = {
  configFile: Setting.text(
    "NETFLOW_CONFIG_FILE",
    "a JSON object with any of the settings that netflow-consumer reads; the environment wins",
    "path"
  ).optional,
  batchMessagesMax: positive(
    "NETFLOW_BATCH_MESSAGES_MAX",
    "messages",
    "a tenant's batch is written when it has this many"
  ).or(5_000),
  batchBytesMax: positive("NETFLOW_BATCH_BYTES_MAX", "bytes", "… or this many bytes").or(8 * 1024 * 1024),
  batchAgeMs: positive("NETFLOW_BATCH_AGE_MS", "milliseconds", "… or when its first message has waited this long").or(
    100
  ),
  reconcileMs: positive("NETFLOW_RECONCILE_MS", "milliseconds", "how often new tenants are looked for").or(2_000)
}

/** The settings of one process. */
export class NetflowConfig extends Context.Service<NetflowConfig, SettingValues<typeof netflowSettings>>()(
  "@bulkhead/netflow-consumer/NetflowConfig"
) {
  static readonly layer = Layer.effect(NetflowConfig, readSettings(netflowSettings))
}
