/**
 * Every setting of edge-relay itself; `OPS_*`, `LOG_*` and `OTEL_*` stand in the README of `observability`.
 */
import { readSettings, Setting, type SettingValues } from "@bulkhead/settings"
import { Context, Layer } from "effect"

const MEBIBYTE = 1024 * 1024

export const relaySettings = {
  configFile: Setting.text(
    "RELAY_CONFIG_FILE",
    "a JSON object with any of the settings that the relay reads; the environment wins",
    "path"
  ).optional,
  site: Setting.text("RELAY_SITE", "the site's name, in the subject of the relay's marks"),
  server: Setting.text("RELAY_NATS_URL", "the site's leaf node", "URL").or("nats://127.0.0.1:4222"),
  bufferCredsFile: Setting.text("RELAY_BUFFER_CREDS_FILE", "credentials in the leaf node's account `buffer`", "path"),
  uplinkCredsFile: Setting.text("RELAY_UPLINK_CREDS_FILE", "credentials in the leaf node's account `uplink`", "path"),
  bufferBytesMax: Setting.whole(
    "RELAY_BUFFER_BYTES_MAX",
    "bytes",
    { from: MEBIBYTE },
    "what may wait at the site; collectors are refused above it"
  ),
  messageBytesMax: Setting.whole(
    "RELAY_MESSAGE_BYTES_MAX",
    "bytes",
    { from: 1_024, to: 8 * MEBIBYTE },
    "of one message of a collector, headers included; at least 1024 less than the tenant may send"
  ),
  batch: {
    // The server takes a thousand messages at once, and one of them is the relay's own.
    messagesMax: Setting.whole(
      "RELAY_BATCH_MESSAGES_MAX",
      "messages",
      { from: 1, to: 999 },
      "sent as one, all or none. One batch is on its way at a time: more where the line is slow to answer"
    ).or(500),
    bytesMax: Setting.whole(
      "RELAY_BATCH_BYTES_MAX",
      "bytes",
      { from: 1_024, to: 64 * MEBIBYTE },
      "the same; a single message may be larger"
    ).or(MEBIBYTE)
  }
}

/** The settings of one process. */
export class RelayConfig extends Context.Service<RelayConfig, SettingValues<typeof relaySettings>>()(
  "@bulkhead/edge-relay/RelayConfig"
) {
  static readonly layer = Layer.effect(RelayConfig, readSettings(relaySettings))
}
