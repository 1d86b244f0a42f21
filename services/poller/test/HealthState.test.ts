import { DecodeError, decodeOcsfEvent } from "@bulkhead/records"
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { Check } from "../src/Check.ts"
import { type HealthReport, type HealthState, initialHealth, observe } from "../src/HealthState.ts"
import { healthEvent } from "../src/healthEvent.ts"
import type { Observation } from "../src/probe.ts"

const check = Schema.decodeUnknownSync(Check)({
  tenant: "acme",
  name: "shop",
  type: "http",
  url: "http://127.0.0.1:1/",
  slowMs: 100,
  failuresBeforeDown: 2,
  heartbeatMs: 10_000
})

const good: Observation = { durationMs: 5 }
const slow: Observation = { durationMs: 500 }
const bad: Observation = { problem: "ECONNREFUSED", durationMs: 1 }

/** What is reported of a series of observations, one a second. */
const reportsOf = (series: ReadonlyArray<Observation>, startMs = 1_000): ReadonlyArray<string> => {
  let state: HealthState = initialHealth
  const reports: Array<string> = []
  for (const [index, seen] of series.entries()) {
    const [next, report] = observe(state, check, seen, startMs + index * 1_000)
    state = next
    if (report !== undefined) reports.push(`${index} ${report.kind} ${report.previous}>${report.current}`)
  }
  return reports
}

describe("observe", () => {
  it("reports the first answer as a change from unknown", () => {
    assert.deepStrictEqual(reportsOf([good, good]), ["0 change unknown>healthy"])
  })

  it("becomes unhealthy after failuresBeforeDown failures in a row, not before", () => {
    assert.deepStrictEqual(reportsOf([good, bad, good, bad, bad, bad]), [
      "0 change unknown>healthy",
      "4 change healthy>unhealthy"
    ])
  })

  it("stays unknown until the first answer or enough failures", () => {
    assert.deepStrictEqual(reportsOf([bad]), [])
    assert.deepStrictEqual(reportsOf([bad, bad]), ["1 change unknown>unhealthy"])
  })

  it("recovers with the first good answer", () => {
    assert.deepStrictEqual(reportsOf([bad, bad, good]), ["1 change unknown>unhealthy", "2 change unhealthy>healthy"])
  })

  it("is degraded while answers take longer than slowMs", () => {
    assert.deepStrictEqual(reportsOf([good, slow, slow, good]), [
      "0 change unknown>healthy",
      "1 change healthy>degraded",
      "3 change degraded>healthy"
    ])
  })

  it("sends a heartbeat when nothing was reported for heartbeatMs, and a change starts the time anew", () => {
    assert.deepStrictEqual(reportsOf(Array.from({ length: 25 }, () => good)), [
      "0 change unknown>healthy",
      "10 heartbeat healthy>healthy",
      "20 heartbeat healthy>healthy"
    ])
  })
})

describe("healthEvent", () => {
  const reporter = { gatewayId: "gw-1", partition: "berlin" }
  const id = "0d1f6d0e-8a7c-4d55-9f3a-3c1f0e5c2b11"

  it("is an OCSF event that the platform's decoder takes, with states and reporter in unmapped", () => {
    const report: HealthReport = {
      kind: "change",
      previous: "healthy",
      current: "unhealthy",
      problem: "HTTP status 503",
      durationMs: 7
    }
    const event = healthEvent(check, report, reporter, id, new Date("2026-01-14T10:00:00Z"))
    const row = decodeOcsfEvent(new TextEncoder().encode(JSON.stringify(event)), { now: new Date() })
    assert.notInstanceOf(row, DecodeError)
    assert.deepInclude(row as Exclude<typeof row, DecodeError>, {
      id,
      class_uid: 1008,
      type_uid: 100_801,
      severity_id: 5,
      message: "shop went from healthy to unhealthy: HTTP status 503",
      log_name: "events.poller.health",
      log_provider: "gw-1"
    })
    assert.deepInclude(event.unmapped, { previous_state: "healthy", current_state: "unhealthy", partition: "berlin" })
  })

  it("has the severity of its state", () => {
    const severityOf = (current: HealthReport["current"]) =>
      healthEvent(check, { kind: "heartbeat", previous: current, current, durationMs: 1 }, reporter, id, new Date())
        .severity_id
    assert.deepStrictEqual(
      ["healthy", "degraded", "unhealthy", "unknown"].map((state) => severityOf(state as "healthy")),
      [1, 3, 5, 0]
    )
  })
})
