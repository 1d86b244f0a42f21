/**
 * Every setting of zen-consumer itself; those of `RULES_`, `NATS_`, `OPS_`, `LOG_` and `OTEL_` belong to the packages that
 * use them.
 */
import { readSettings, Setting, type SettingValues } from "@bulkhead/settings"
import { Context, Layer } from "effect"

const positive = (name: string, unit: string, meaning: string) => Setting.whole(name, unit, { from: 1 }, meaning)

export const zenSettings = {
  configFile: Setting.text(
    "ZEN_CONFIG_FILE",
    "a JSON object with any of the settings that zen-consumer reads; the environment wins",
    "path"
  ).optional,
  batchMessagesMax: positive(
    "ZEN_BATCH_MESSAGES_MAX",
    "messages",
    "so many of a tenant's messages are decided on at a time"
  ).or(200),
  batchBytesMax: positive("ZEN_BATCH_BYTES_MAX", "bytes", "… or so many bytes").or(4 * 1024 * 1024),
  batchAgeMs: positive("ZEN_BATCH_AGE_MS", "milliseconds", "… or what has come when the first has waited this long").or(
    10
  ),
  reconcileMs: positive("ZEN_RECONCILE_MS", "milliseconds", "how often new tenants are looked for").or(2_000)
}

/** The settings of one process. */
export class ZenConfig extends Context.Service<ZenConfig, SettingValues<typeof zenSettings>>()(
  "@bulkhead/zen-consumer/ZenConfig"
) {
  static readonly layer = Layer.effect(ZenConfig, readSettings(zenSettings))
}
