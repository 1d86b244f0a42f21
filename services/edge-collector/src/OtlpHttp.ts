/**
 * OTLP over HTTP: POST to `/v1/traces`, `/v1/metrics` and `/v1/logs`, protobuf or JSON, as it is or in gzip. A client is
 * answered in the encoding in which it asked: 200 when the buffer has its request, 503 with `Retry-After` when the buffer
 * or memory cannot take it now, 400 when it never can, 401 when its sender may not.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { createServer as createTlsServer } from "node:https"
import { promisify } from "node:util"
import { gunzip } from "node:zlib"
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire"
import { Effect, Layer, Semaphore } from "effect"
import { EdgeBuffer } from "./EdgeBuffer.ts"
import { EdgeConfig } from "./EdgeConfig.ts"
import { EdgeMetrics } from "./EdgeMetrics.ts"
import { listenTcp } from "./listen.ts"
import { otlpAccess } from "./OtlpAccess.ts"
import {
  type ExportResult,
  exportOtlp,
  MEMORY_TAKEN,
  OTLP_SIGNALS,
  type OtlpSignal,
  RETRY_AFTER_S,
  responseBytes
} from "./OtlpExport.ts"
import { serverOptions } from "./tlsFiles.ts"

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

const make = Effect.gen(function* () {
  const config = yield* EdgeConfig
  const { httpPort: port, requestBytesMax, requestsMax, connectionsMax, requestTimeoutMs } = config.otlp
  if (port === undefined) return
  const { tls, isAllowed } = yield* otlpAccess(config)
  const { memory } = yield* EdgeBuffer
  const metrics = yield* EdgeMetrics
  const run = Effect.runPromiseWith(yield* Effect.context<EdgeBuffer>())
  const turns = yield* Semaphore.make(requestsMax)

  /** Holds the memory of a request while it is read and until the disk has it. */
  const take = async (request: IncomingMessage, signal: OtlpSignal, encoding: Encoding) => {
    const bytes = bytesOf(request, requestBytesMax)
    if (!memory.tryTake(bytes)) {
      metrics.dropped("otlp_http", "memory", 1)
      throw new Refusal(503, MEMORY_TAKEN)
    }
    try {
      return await run(exportOtlp(signal, "otlp_http", encoding, await bodyOf(request, requestBytesMax)))
    } finally {
      memory.give(bytes)
    }
  }

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const encoding = encodingOf(request)
    try {
      if (!isAllowed(request.headers.authorization)) throw new Refusal(401, "send a bearer token of the collector's")
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
      // What is left of a request that is refused is not waited for.
      if (!request.complete) response.once("finish", () => request.destroy())
    }
  }

  const onRequest = (request: IncomingMessage, response: ServerResponse) => void answer(request, response)
  // A client that sends more slowly is cut off: 408.
  const timeouts = { requestTimeout: requestTimeoutMs, connectionsCheckingInterval: requestTimeoutMs / 4 }
  const server =
    tls === undefined
      ? createServer(timeouts, onRequest)
      : createTlsServer({ ...timeouts, ...serverOptions(tls) }, onRequest)
  server.maxConnections = connectionsMax
  server.on("drop", () => metrics.dropped("otlp_http", "connections", 1))
  yield* listenTcp({ host: config.host, port, variable: "EDGE_OTLP_HTTP_PORT" }, server)
  yield* Effect.addFinalizer(() => Effect.sync(() => server.closeAllConnections()))
})

/** What a request may need: what it says, where that is what it is when it has come. */
const bytesOf = ({ headers }: IncomingMessage, bytesMax: number): number => {
  const length = Number(headers["content-length"] ?? Number.NaN)
  const isPlain = (headers["content-encoding"] ?? "identity") === "identity"
  return isPlain && length >= 0 ? Math.min(length, bytesMax) : bytesMax
}

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
  const more: Record<string, string> = status === 503 ? { "retry-after": String(RETRY_AFTER_S) } : {}
  if (status === 401) more["www-authenticate"] = "Bearer"
  response.writeHead(status, { "content-type": CONTENT_TYPES[encoding], ...more })
  if (encoding === "json") response.end(JSON.stringify({ message }))
  else response.end(new BinaryWriter().tag(2, WireType.LengthDelimited).string(message).finish())
}

export const OtlpHttp = Layer.effectDiscard(make)
