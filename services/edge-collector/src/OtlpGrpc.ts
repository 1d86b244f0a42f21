/**
 * OTLP over gRPC. A call is refused before its request is read where its sender may not (UNAUTHENTICATED) or where memory
 * is taken (RESOURCE_EXHAUSTED, with the time to come again). What the buffer cannot take is answered with UNAVAILABLE,
 * which clients repeat; what can never be taken with INVALID_ARGUMENT.
 */
import { PortTaken } from "@bulkhead/observability"
import {
  Server,
  ServerCredentials,
  ServerInterceptingCall,
  type ServerInterceptor,
  ServerListenerBuilder,
  type ServerUnaryCall,
  type ServiceDefinition,
  type sendUnaryData,
  status
} from "@grpc/grpc-js"
import { Effect, Layer, Semaphore } from "effect"
import { EdgeBuffer } from "./EdgeBuffer.ts"
import { EdgeConfig } from "./EdgeConfig.ts"
import { EdgeMetrics } from "./EdgeMetrics.ts"
import { retryLater } from "./grpcRetry.ts"
import type { Place } from "./listen.ts"
import { type OtlpAccess, otlpAccess } from "./OtlpAccess.ts"
import { exportOtlp, MEMORY_TAKEN, OTLP_SIGNALS, RETRY_AFTER_S, responseBytes } from "./OtlpExport.ts"

const asBytes = (value: Buffer): Buffer => value

const make = Effect.gen(function* () {
  const config = yield* EdgeConfig
  const { grpcPort: port, requestBytesMax, requestsMax, requestTimeoutMs } = config.otlp
  if (port === undefined) return
  const access = yield* otlpAccess(config)
  const { memory } = yield* EdgeBuffer
  const metrics = yield* EdgeMetrics
  const run = Effect.runPromiseWith(yield* Effect.context<EdgeBuffer>())
  const turns = yield* Semaphore.make(requestsMax)
  /** How large a request is, its sender does not say: it may be as large as any. */
  const admission = admit(access, {
    tryTake: () => memory.tryTake(requestBytesMax),
    give: () => memory.give(requestBytesMax),
    onRefused: () => metrics.dropped("otlp_grpc", "memory", 1),
    timeoutMs: requestTimeoutMs
  })
  const server = new Server({
    interceptors: [admission],
    "grpc.max_receive_message_length": requestBytesMax,
    "grpc.max_concurrent_streams": requestsMax
  })

  for (const signal of OTLP_SIGNALS) {
    const definition: ServiceDefinition = {
      Export: {
        path: signal.method,
        requestStream: false,
        responseStream: false,
        requestSerialize: asBytes,
        requestDeserialize: asBytes,
        responseSerialize: asBytes,
        responseDeserialize: asBytes
      }
    }
    const answer = (call: ServerUnaryCall<Buffer, Buffer>, respond: sendUnaryData<Buffer>) =>
      run(turns.withPermits(1)(exportOtlp(signal, "otlp_grpc", "protobuf", call.request))).then(
        (result) => {
          if (result.kind === "taken") return respond(null, Buffer.from(responseBytes(result.rejected, result.problem)))
          if (result.kind === "invalid") return respond({ code: status.INVALID_ARGUMENT, details: result.problem })
          respond(retryLater(status.UNAVAILABLE, result.problem, RETRY_AFTER_S))
        },
        () => respond({ code: status.UNAVAILABLE, details: "the collector is stopping" })
      )
    server.addService(definition, { Export: answer })
  }
  yield* listenGrpc({ host: config.host, port, variable: "EDGE_OTLP_GRPC_PORT" }, server, credentialsOf(access))
})

/** The memory of one request. */
interface RequestMemory {
  readonly tryTake: () => boolean
  readonly give: () => void
  readonly onRefused: () => void
  /** How long it may be held by a request that has not arrived. */
  readonly timeoutMs: number
}

/** Refuses calls by their headers, as long as nothing of the request is read, and those whose request does not come. */
const admit =
  ({ isAllowed }: OtlpAccess, memory: RequestMemory): ServerInterceptor =>
  (_, call) => {
    let isHeld = false
    let timer: NodeJS.Timeout | undefined
    const give = () => {
      clearTimeout(timer)
      if (isHeld) memory.give()
      isHeld = false
    }
    const cutOff = () => {
      call.sendStatus({ code: status.DEADLINE_EXCEEDED, details: `no whole request within ${memory.timeoutMs} ms` })
      give()
    }
    const listener = new ServerListenerBuilder()
      .withOnReceiveMetadata((metadata, next) => {
        const [authorization] = metadata.get("authorization")
        if (!isAllowed(authorization?.toString())) {
          return call.sendStatus({ code: status.UNAUTHENTICATED, details: "send a bearer token of the collector's" })
        }
        isHeld = memory.tryTake()
        if (isHeld) {
          timer = setTimeout(cutOff, memory.timeoutMs)
          return next(metadata)
        }
        memory.onRefused()
        call.sendStatus(retryLater(status.RESOURCE_EXHAUSTED, MEMORY_TAKEN, RETRY_AFTER_S))
      })
      .withOnReceiveMessage((message, next) => {
        clearTimeout(timer)
        next(message)
      })
      // However the call ends.
      .withOnCancel(give)
      .build()
    return new ServerInterceptingCall(call, { start: (next) => next(listener) })
  }

const credentialsOf = ({ tls }: OtlpAccess): ServerCredentials => {
  if (tls === undefined) return ServerCredentials.createInsecure()
  const { cert, key, clientCa } = tls
  const pair = { cert_chain: cert, private_key: key }
  return ServerCredentials.createSsl(clientCa ?? null, [pair], clientCa !== undefined)
}

const listenGrpc = (place: Place, server: Server, credentials: ServerCredentials) =>
  Effect.acquireRelease(
    Effect.callback<void, PortTaken>((resume) => {
      const address = place.host.includes(":") ? `[${place.host}]:${place.port}` : `${place.host}:${place.port}`
      server.bindAsync(address, credentials, (cause) => {
        resume(cause === null ? Effect.void : Effect.fail(new PortTaken({ ...place, cause })))
      })
    }),
    () => Effect.sync(() => server.forceShutdown())
  )

export const OtlpGrpc = Layer.effectDiscard(make)
