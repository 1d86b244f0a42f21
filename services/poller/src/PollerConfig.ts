/**
 * Every setting of the poller itself; those of `NATS_`, `PUBLISH_`, `OPS_`, `LOG_` and `OTEL_` belong to the packages that
 * use them.
 */
import { hostname } from "node:os"
import { readSettings, Setting, type SettingValues } from "@bulkhead/settings"
import { Context, Layer } from "effect"

export const pollerSettings = {
  configFile: Setting.text(
    "POLLER_CONFIG_FILE",
    "a JSON object with any of the settings that the poller reads; the environment wins",
    "path"
  ).optional,
  checksFile: Setting.text("POLLER_CHECKS_FILE", "the JSON file with the checks; read at start", "path"),
  credsFolder: Setting.text(
    "POLLER_CREDS_FOLDER",
    "a folder with `<slug>.creds` for each tenant, role `service`; each tenant's events then go out with its own " +
      "credentials, and the server adds the prefix. Without it one user publishes for all",
    "path"
  ).optional,
  gatewayId: Setting.text("POLLER_GATEWAY_ID", "who reports, in every event").or(hostname(), "the host's name"),
  partition: Setting.text("POLLER_PARTITION", "the network the poller stands in").or("default")
}

/** The settings of one poller process. */
export class PollerConfig extends Context.Service<PollerConfig, SettingValues<typeof pollerSettings>>()(
  "@bulkhead/poller/PollerConfig"
) {
  static readonly layer = Layer.effect(PollerConfig, readSettings(pollerSettings))
}
