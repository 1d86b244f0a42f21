import { waitUntil } from "@bulkhead/devstack"
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { ipfixBoth, netflow5, sflow } from "./flowPackets.ts"
import { messagesOf, sendDatagrams, startCollector, startPlatform } from "./harness.ts"

it.live("flows arrive on the subjects of their kind, and garbage is counted", () =>
  Effect.gen(function* () {
    const { installation, environment } = yield* startPlatform
    const collector = yield* startCollector(environment, ["EDGE_NETFLOW_PORT", "EDGE_SFLOW_PORT"])
    const garbage = Buffer.from("no flows here")
    yield* sendDatagrams(collector.port("EDGE_NETFLOW_PORT"), [garbage, netflow5, ipfixBoth])
    yield* sendDatagrams(collector.port("EDGE_SFLOW_PORT"), [garbage, sflow])
    yield* waitUntil(
      "three flows",
      Effect.map(installation.stored("acme"), (stored) => stored === 3)
    )
    const subjects = (yield* messagesOf(installation)).map(({ subject }) => subject).sort()
    assert.deepStrictEqual(subjects, ["acme.flows.raw.netflow", "acme.flows.raw.netflow", "acme.flows.raw.sflow"])
    assert.strictEqual(yield* collector.metric('bulkhead_edge_dropped_total{source="netflow",reason="invalid"}'), 1)
    assert.strictEqual(yield* collector.metric('bulkhead_edge_dropped_total{source="sflow",reason="invalid"}'), 1)
  })
)
