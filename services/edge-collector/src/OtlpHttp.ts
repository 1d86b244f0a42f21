/**
 * OTLP over HTTP: POST to `/v1/traces`, `/v1/metrics` and `/v1/logs`, protobuf or JSON, as it is or in gzip. A client is
 * answered in the encoding in which it asked: 200 when the buffer has its request, 503 with `Retry-After` when it cannot
 * take it now, 400 when it never will.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { promisify } from "node:util"
import { gunzip } from "node:zlib"
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire"
import { Effect, Layer, Semaphore } from "effect"
import type { EdgeBuffer } from "./EdgeBuffer.ts"
import { EdgeConfig } from "./EdgeConfig.ts"
import { listenTcp } from "./listen.ts"
import { type ExportResult, exportOtlp, OTLP_SIGNALS, type OtlpSignal, responseBytes } from "./OtlpExport.ts"

type Encoding = "protobuf" | "json"

/** An answer that is no success: HTTP status, and what it says. */
class Refusal extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

const CONTENT_TYPES: Readonly<Record<Encoding, string>> = {
  protobuf: "application/x-protobuf",
  json: "application/json"
}
const RETRY_AFTER_S = 5
/** A client that sends its request more slowly is cut off. */
const REQUEST_TIMEOUT_MS = 30_000

const make = Effect.gen(function* () {
  const { host, otlp } = yield* EdgeConfig
  const { httpPort: port, requestBytesMax, requestsMax } = otlp
  if (port === undefined) return
  const run = Effect.runPromiseWith(yield* Effect.context<EdgeBuffer>())
  const turns = yield* Semaphore.make(requestsMax)

  const take = async (request: IncomingMessage, signal: OtlpSignal, encoding: Encoding) =>
    run(exportOtlp(signal, "otlp_http", encoding, await bodyOf(request, requestBytesMax)))

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const encoding = encodingOf(request)
    try {
      const signal = signalOf(request)
      if (encoding === undefined) throw new Refusal(415, "send application/x-protobuf or application/json")
      const result = await run(
        turns.withPermits(1)(
          Effect.tryPromise(() => take(request, signal, encoding)).pipe(Effect.mapError((error) => error.cause))
        )
      )
      respond(response, encoding, signal, result)
    } catch (error) {
      const refusal = error instanceof Refusal ? error : new Refusal(503, "the collector is stopping")
      refuse(response, encoding ?? "json", refusal)
      // What is left of a request that is too large is not waited for.
      if (!request.complete) response.once("finish", () => request.destroy())
    }
  }

  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, (request, response) => {
    void answer(request, response)
  })
  yield* listenTcp({ host, port, variable: "EDGE_OTLP_HTTP_PORT" }, server)
  yield* Effect.addFinalizer(() => Effect.sync(() => server.closeAllConnections()))
})

const signalOf = (request: IncomingMessage): OtlpSignal => {
  const path = request.url?.split("?")[0]
  const signal = OTLP_SIGNALS.find((each) => each.path === path)
  if (signal === undefined) throw new Refusal(404, `there is ${OTLP_SIGNALS.map((each) => each.path).join(", ")}`)
  if (request.method !== "POST") throw new Refusal(405, "send POST")
  return signal
}

const encodingOf = (request: IncomingMessage): Encoding | undefined => {
  const type = request.headers["content-type"]?.split(";")[0]?.trim().toLowerCase()
  return type === CONTENT_TYPES.protobuf ? "protobuf" : type === CONTENT_TYPES.json ? "json" : undefined
}

const bodyOf = async (request: IncomingMessage, bytesMax: number): Promise<Uint8Array> => {
  const tooLarge = new Refusal(
    413,
    `more than ${bytesMax} bytes: send less at a time, or raise EDGE_OTLP_REQUEST_BYTES_MAX`
  )
  const chunks: Array<Buffer> = []
  let bytes = 0
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    bytes += chunk.byteLength
    if (bytes > bytesMax) throw tooLarge
    chunks.push(chunk)
  }
  const body = Buffer.concat(chunks)
  const coding = request.headers["content-encoding"] ?? "identity"
  if (coding === "identity") return body
  if (coding !== "gzip") throw new Refusal(415, `"${coding}" is not known: send gzip or no content-encoding`)
  return promisify(gunzip)(body, { maxOutputLength: bytesMax }).catch((error: NodeJS.ErrnoException) => {
    throw error.code === "ERR_BUFFER_TOO_LARGE" ? tooLarge : new Refusal(400, "the body is no gzip")
  })
}

const respond = (response: ServerResponse, encoding: Encoding, signal: OtlpSignal, result: ExportResult): void => {
  if (result.kind !== "taken") {
    refuse(response, encoding, new Refusal(result.kind === "invalid" ? 400 : 503, result.problem))
    return
  }
  const { rejected, problem } = result
  response.writeHead(200, { "content-type": CONTENT_TYPES[encoding] })
  if (encoding === "protobuf") response.end(responseBytes(rejected, problem))
  else {
    // int64 is text in the JSON of protobuf.
    const partialSuccess = { [signal.rejectedName]: String(rejected), errorMessage: problem }
    response.end(JSON.stringify(rejected === 0 ? {} : { partialSuccess }))
  }
}

/** The body is a `google.rpc.Status`: code in 1, message in 2. */
const refuse = (response: ServerResponse, encoding: Encoding, { status, message }: Refusal): void => {
  const retry = status === 503 ? { "retry-after": String(RETRY_AFTER_S) } : {}
  response.writeHead(status, { "content-type": CONTENT_TYPES[encoding], ...retry })
  if (encoding === "json") response.end(JSON.stringify({ message }))
  else response.end(new BinaryWriter().tag(2, WireType.LengthDelimited).string(message).finish())
}

export const OtlpHttp = Layer.effectDiscard(make)
