/**
 * Every variable the poller itself reads; `NATS_*`, `PUBLISH_*`, `OPS_*`, `LOG_*` and `OTEL_*` stand in the READMEs of
 * the packages that use them.
 *
 * | variable | type | default | meaning |
 * |---|---|---|---|
 * | `POLLER_CHECKS_FILE` | path | — | the JSON file with the checks |
 * | `POLLER_CREDS_FOLDER` | path | — | holds `<slug>.creds` for each tenant; without it, one user publishes for all |
 * | `POLLER_GATEWAY_ID` | text | the host's name | who reports, in every event |
 * | `POLLER_PARTITION` | text | `default` | the network the poller stands in |
 */
import { hostname } from "node:os"
import { Config, Context, Layer, Option } from "effect"

const config = Config.all({
  checksFile: Config.String("POLLER_CHECKS_FILE"),
  credsFolder: Config.option(Config.String("POLLER_CREDS_FOLDER")).pipe(Config.map(Option.getOrUndefined)),
  gatewayId: Config.String("POLLER_GATEWAY_ID").pipe(Config.withDefault(hostname())),
  partition: Config.String("POLLER_PARTITION").pipe(Config.withDefault("default"))
})

/** The settings of one poller process. */
export class PollerConfig extends Context.Service<PollerConfig, Config.Success<typeof config>>()(
  "@bulkhead/poller/PollerConfig"
) {
  static readonly layer = Layer.effect(PollerConfig, config)
}
