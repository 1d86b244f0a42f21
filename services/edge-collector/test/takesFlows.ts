import { waitUntil } from "@bulkhead/devstack"
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { ipfixBoth, netflow5, sflow } from "./flowPackets.ts"
import { messagesOf, sendDatagrams } from "./harness.ts"
import { type It, Running } from "./Running.ts"

export const takesFlows = (it: It) =>
  it.effect("publishes flows on the subjects of their kind, and counts garbage", () =>
    Effect.gen(function* () {
      const { installation, collector } = yield* Running
      const garbage = Buffer.from("no flows here")
      yield* sendDatagrams(collector.port("EDGE_NETFLOW_PORT"), [garbage, netflow5, ipfixBoth])
      yield* sendDatagrams(collector.port("EDGE_SFLOW_PORT"), [garbage, sflow])
      const flows = messagesOf(installation, "flows.raw.netflow", "flows.raw.sflow")
      yield* waitUntil(
        "three flows",
        Effect.map(flows, (found) => found.length === 3)
      )
      const subjects = (yield* flows).map(({ subject }) => subject).sort()
      assert.deepStrictEqual(subjects, ["acme.flows.raw.netflow", "acme.flows.raw.netflow", "acme.flows.raw.sflow"])
      assert.strictEqual(yield* collector.metric('bulkhead_edge_dropped_total{source="netflow",reason="invalid"}'), 1)
      assert.strictEqual(yield* collector.metric('bulkhead_edge_dropped_total{source="sflow",reason="invalid"}'), 1)
    })
  )
