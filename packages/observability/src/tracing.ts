/**
 * Traces over OTLP when somebody wants them, nothing otherwise.
 */
import { Config, Effect, Layer, Option } from "effect"
import { FetchHttpClient } from "effect/http"
import { OtlpSerialization, OtlpTracer } from "effect/observability"

/**
 * Sends spans to `OTEL_EXPORTER_OTLP_ENDPOINT` (`http://collector:4318`) when it is set. Only spans: logs go through
 * pino, where secrets are taken out, and metrics are read by Prometheus.
 */
export const tracingLayer = (service: string): Layer.Layer<never, Config.ConfigError> =>
  Layer.unwrap(
    Effect.gen(function* () {
      const endpoint = yield* Config.option(Config.URL("OTEL_EXPORTER_OTLP_ENDPOINT"))
      if (Option.isNone(endpoint)) return Layer.empty
      const url = `${endpoint.value.href.replace(/\/$/, "")}/v1/traces`
      return OtlpTracer.layer({ url, resource: { serviceName: service } }).pipe(
        Layer.provide([OtlpSerialization.layerJson, FetchHttpClient.layer])
      )
    })
  )
