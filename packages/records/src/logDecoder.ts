/**
 * Logs: the subjects `logs.>` and `otel.logs`. A payload says itself what it is, since collectors and rules write
 * different forms to the same subjects: protobuf or JSON of OTLP, GELF, any other JSON, one record or an array of them.
 */

import { decoderOf } from "./internal/decoderOf.ts"
import { addJsonLogs } from "./internal/jsonLogs.ts"
import { addOtlpJsonLogs, addProtobufLogs } from "./internal/otlpLogs.ts"
import { jsonOf } from "./internal/readOtlp.ts"

const isOtlp = (document: unknown): boolean =>
  typeof document === "object" &&
  document !== null &&
  (Object.hasOwn(document, "resourceLogs") || Object.hasOwn(document, "resource_logs"))

/** Decodes a message of `logs.>` or `otel.logs` into rows of `logs`, one for each record in it. */
export const logDecoder = decoderOf((message, rows) => {
  const json = jsonOf(message.data)
  if (json === undefined) addProtobufLogs(message, rows)
  else if (isOtlp(json.document)) addOtlpJsonLogs(json, message.timestamp, rows)
  else addJsonLogs(json, message, rows)
})
