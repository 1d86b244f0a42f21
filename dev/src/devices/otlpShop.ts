/** A web shop that sends logs, metrics and traces with OTLP over HTTP, in its JSON. */
import { randomBytes } from "node:crypto"

const nanos = (ms: number): string => `${ms}000000`

const exportsOf = (service: string, nowMs: number) => {
  const origin = {
    resource: { attributes: [{ key: "service.name", value: { stringValue: service } }] }
  }
  const time = { timeUnixNano: nanos(nowMs) }
  const trace = { traceId: randomBytes(16).toString("hex"), spanId: randomBytes(8).toString("hex") }
  const log = { ...time, ...trace, severityNumber: 9, body: { stringValue: `${service}: order taken` } }
  const point = { ...time, startTimeUnixNano: nanos(nowMs - 1_000), asInt: "3" }
  const sum = { aggregationTemporality: 1, isMonotonic: true, dataPoints: [point] }
  const span = {
    ...trace,
    name: "POST /orders",
    kind: 2,
    startTimeUnixNano: nanos(nowMs - 40),
    endTimeUnixNano: nanos(nowMs)
  }
  return {
    "/v1/logs": { resourceLogs: [{ ...origin, scopeLogs: [{ logRecords: [log] }] }] },
    "/v1/metrics": {
      resourceMetrics: [{ ...origin, scopeMetrics: [{ metrics: [{ name: "orders", unit: "1", sum }] }] }]
    },
    "/v1/traces": { resourceSpans: [{ ...origin, scopeSpans: [{ spans: [span] }] }] }
  }
}

/** Sends one of each at each call; what is refused is not sent again. */
export const shopFor = (service: string, port: number) => () => {
  for (const [path, request] of Object.entries(exportsOf(service, Date.now()))) {
    fetch(`http://127.0.0.1:${port}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(request)
    }).then(
      (response) => response.body?.cancel(),
      () => undefined
    )
  }
}
