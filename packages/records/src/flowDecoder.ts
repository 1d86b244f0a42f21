/**
 * Flows: the subjects `netflow.>`, `flows.raw.*` and `events.netflow`. A payload is a FlowMessage in protobuf, with or
 * without its length in front, several with their lengths, or flows in JSON, one or an array of them.
 */
import type { Decoder, ReceivedMessage, RowSink } from "./Decoder.ts"
import { decoderOf } from "./internal/decoderOf.ts"
import { jsonFlows } from "./internal/jsonFlows.ts"
import { protobufFlows } from "./internal/protobufFlows.ts"
import { jsonOf } from "./internal/readOtlp.ts"
import type { NetflowMetricRow } from "./NetflowMetricRow.ts"
import { netflowMetrics } from "./netflowMetrics.ts"
import { activityOfFlow, networkActivity } from "./networkActivity.ts"

const flowsOf = (message: ReceivedMessage): ReadonlyArray<NetflowMetricRow> => {
  const json = jsonOf(message.data)
  return json === undefined ? protobufFlows(message) : jsonFlows(json, message.timestamp)
}

/**
 * A decoder of flows that gives each one to `take`, which makes rows of it; what it throws as a `DecodeError` makes the
 * message none.
 */
export const flowDecoderWith = (take: (flow: NetflowMetricRow, rows: RowSink) => void): Decoder =>
  decoderOf((message, rows) => {
    for (const flow of flowsOf(message)) take(flow, rows)
  })

/** Decodes a message of flows into rows of `netflow_metrics`, one for each flow. */
export const flowDecoder = flowDecoderWith((flow, rows) => rows.add(netflowMetrics, flow))

/** Decodes the same into rows of `ocsf_network_activity`. */
export const flowActivityDecoder = flowDecoderWith((flow, rows) => rows.add(networkActivity, activityOfFlow(flow)))
