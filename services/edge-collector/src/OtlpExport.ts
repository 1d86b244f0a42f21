/**
 * What both transports of OTLP do with an export request: check it with the platform's own decoder, cut it into messages,
 * and hand it to the buffer. The client is answered after that. (OTLP 1.x, opentelemetry.io/docs/specs/otlp.)
 */
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire"
import { CHANNELS } from "@bulkhead/channels"
import { type Decoder, logDecoder, metricDecoder, traceDecoder } from "@bulkhead/records"
import { Effect, Result } from "effect"
import type { BufferError } from "./BufferError.ts"
import { EdgeBuffer } from "./EdgeBuffer.ts"
import type { Source } from "./EdgeMetrics.ts"
import { splitOtlp } from "./splitOtlp.ts"

/** One of the three kinds of telemetry. */
export interface OtlpSignal {
  /** Base subject. */
  readonly subject: string
  readonly decoder: Decoder
  /** Path over HTTP. */
  readonly path: string
  /** Full name of the method over gRPC. */
  readonly method: string
  /** What the JSON of a partial success calls what was rejected. */
  readonly rejectedName: string
}

const service = (name: string) => `/opentelemetry.proto.collector.${name.toLowerCase()}.v1.${name}Service/Export`

export const OTLP_SIGNALS: ReadonlyArray<OtlpSignal> = [
  {
    subject: CHANNELS.otelTraces.subject,
    decoder: traceDecoder,
    path: "/v1/traces",
    method: service("Trace"),
    rejectedName: "rejectedSpans"
  },
  {
    subject: CHANNELS.otelMetricsRaw.subject,
    decoder: metricDecoder,
    path: "/v1/metrics",
    method: service("Metrics"),
    rejectedName: "rejectedDataPoints"
  },
  {
    subject: CHANNELS.otelLogs.subject,
    decoder: logDecoder,
    path: "/v1/logs",
    method: service("Logs"),
    rejectedName: "rejectedLogRecords"
  }
]

/** A message of NATS as servers take it by default, less its headers; and what the decoders take. */
const MESSAGE_BYTES_MAX = 1_000_000

/** When a client that is refused for now may come again. */
export const RETRY_AFTER_S = 5
/** Why a request is refused before it is read. */
export const MEMORY_TAKEN = "the collector's memory is taken by what it has received: come again"

/** How an export ended. `invalid`: the client must not repeat it; `unavailable`: it should. */
export type ExportResult =
  | { readonly kind: "taken"; readonly rejected: number; readonly problem: string }
  | { readonly kind: "invalid" | "unavailable"; readonly problem: string }

const invalid = (problem: string): ExportResult => ({ kind: "invalid", problem })

/** Takes a request in; `encoding` says how its bytes are to be read. */
export const exportOtlp = Effect.fnUntraced(function* (
  signal: OtlpSignal,
  source: Source,
  encoding: "protobuf" | "json",
  request: Uint8Array
) {
  if (request.byteLength === 0) return { kind: "taken", rejected: 0, problem: "" } satisfies ExportResult
  const split = Result.try(() => partsOf(encoding, request))
  if (Result.isFailure(split)) return invalid(`the request cannot be read (${split.failure})`)
  const { parts, rejected } = split.success
  for (const data of parts) {
    const problem = problemOf(signal, data)
    if (problem !== undefined) return invalid(problem)
  }
  const buffer = yield* EdgeBuffer
  const messages = parts.map((payload) => ({ subject: signal.subject, payload }))
  return yield* buffer.take(source, messages).pipe(
    Effect.match({
      onSuccess: (): ExportResult => ({
        kind: "taken",
        rejected,
        problem: rejected === 0 ? "" : `${rejected} larger than ${MESSAGE_BYTES_MAX} bytes: send smaller records`
      }),
      onFailure: (error: BufferError): ExportResult => ({ kind: "unavailable", problem: error.message })
    })
  )
})

const [BRACE, BRACKET] = [0x7b, 0x5b]

const partsOf = (encoding: "protobuf" | "json", request: Uint8Array) => {
  const looksLikeJson = request[0] === BRACE || request[0] === BRACKET
  if (encoding === "protobuf") {
    if (looksLikeJson) throw new Error("it is JSON under the content type of protobuf")
    return splitOtlp(request, MESSAGE_BYTES_MAX)
  }
  const text = Buffer.from(request).toString("utf8").trim()
  if (!text.startsWith("{")) throw new Error("it is no JSON object")
  const payload = new TextEncoder().encode(text)
  if (payload.byteLength > MESSAGE_BYTES_MAX) {
    throw new Error(
      `${payload.byteLength} bytes of JSON, at most ${MESSAGE_BYTES_MAX}: send less at a time, or protobuf`
    )
  }
  return { parts: [payload], rejected: 0 }
}

const problemOf = ({ decoder, subject }: OtlpSignal, data: Uint8Array): string | undefined =>
  decoder({ subject, headers: {}, data, timestamp: new Date() }, { add: () => undefined })?.message

/** The three `Export…ServiceResponse`s have one shape: partial success in 1, of it the number rejected in 1, why in 2. */
export const responseBytes = (rejected: number, problem: string): Uint8Array => {
  if (rejected === 0) return new Uint8Array()
  const partial = new BinaryWriter()
  partial.tag(1, WireType.Varint).int64(rejected)
  partial.tag(2, WireType.LengthDelimited).string(problem)
  return new BinaryWriter().tag(1, WireType.LengthDelimited).bytes(partial.finish()).finish()
}
