/**
 * How flows are enriched and where they are written. Whoever writes flows reads these settings: netflow-consumer, and core,
 * which tries dead letters again.
 */
import { Setting } from "@bulkhead/settings"

const DATABASE = "a database in the format .mmdb"

export const flowSettings = {
  countryFile: Setting.text(
    "FLOWS_COUNTRY_FILE",
    `${DATABASE} that knows countries: GeoLite2-Country or GeoLite2-City`,
    "path"
  ).optional,
  asnFile: Setting.text("FLOWS_ASN_FILE", `${DATABASE} that knows autonomous systems: GeoLite2-ASN`, "path").optional,
  localNetworks: Setting.texts(
    "FLOWS_LOCAL_NETWORKS",
    "public networks that are the sites' own: `203.0.113.0/24,2001:db8::/32`",
    "networks"
  ).or([], "none"),
  networkActivity: Setting.boolean(
    "FLOWS_NETWORK_ACTIVITY",
    "whether each flow is also a row of `ocsf_network_activity`"
  ).or(true)
}
