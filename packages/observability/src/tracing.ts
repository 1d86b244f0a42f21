/**
 * Traces over OTLP when somebody wants them, nothing otherwise.
 */
import { readSettings, Setting } from "@bulkhead/settings"
import { type Config, Effect, Layer } from "effect"
import { FetchHttpClient } from "effect/http"
import { OtlpSerialization, OtlpTracer } from "effect/observability"

export const tracingSettings = {
  endpoint: Setting.url("OTEL_EXPORTER_OTLP_ENDPOINT", "where spans go, `http://collector:4318`").otherwise("no traces")
}

/**
 * Sends spans to `OTEL_EXPORTER_OTLP_ENDPOINT` (`http://collector:4318`) when it is set. Only spans: logs go through
 * pino, where secrets are taken out, and metrics are read by Prometheus.
 */
export const tracingLayer = (service: string): Layer.Layer<never, Config.ConfigError> =>
  Layer.unwrap(
    Effect.gen(function* () {
      const { endpoint } = yield* readSettings(tracingSettings)
      if (endpoint === undefined) return Layer.empty
      const url = `${endpoint.href.replace(/\/$/, "")}/v1/traces`
      return OtlpTracer.layer({ url, resource: { serviceName: service } }).pipe(
        Layer.provide([OtlpSerialization.layerJson, FetchHttpClient.layer])
      )
    })
  )
