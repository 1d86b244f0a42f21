/**
 * OTLP over gRPC. What the buffer cannot take is answered with UNAVAILABLE, which clients repeat; what can never be taken
 * with INVALID_ARGUMENT.
 */

import { PortTaken } from "@bulkhead/observability"
import {
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServiceDefinition,
  type sendUnaryData,
  status
} from "@grpc/grpc-js"
import { Effect, Layer, Semaphore } from "effect"
import type { EdgeBuffer } from "./EdgeBuffer.ts"
import { EdgeConfig } from "./EdgeConfig.ts"
import type { Place } from "./listen.ts"
import { exportOtlp, OTLP_SIGNALS, responseBytes } from "./OtlpExport.ts"

const asBytes = (value: Buffer): Buffer => value

const make = Effect.gen(function* () {
  const { host, otlp } = yield* EdgeConfig
  const { grpcPort: port, requestBytesMax, requestsMax } = otlp
  if (port === undefined) return
  const run = Effect.runPromiseWith(yield* Effect.context<EdgeBuffer>())
  const turns = yield* Semaphore.make(requestsMax)
  const server = new Server({
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
          const code = result.kind === "invalid" ? status.INVALID_ARGUMENT : status.UNAVAILABLE
          respond({ code, details: result.problem })
        },
        () => respond({ code: status.UNAVAILABLE, details: "the collector is stopping" })
      )
    server.addService(definition, { Export: answer })
  }
  yield* listenGrpc({ host, port, variable: "EDGE_OTLP_GRPC_PORT" }, server)
})

const listenGrpc = (place: Place, server: Server) =>
  Effect.acquireRelease(
    Effect.callback<void, PortTaken>((resume) => {
      const address = place.host.includes(":") ? `[${place.host}]:${place.port}` : `${place.host}:${place.port}`
      server.bindAsync(address, ServerCredentials.createInsecure(), (cause) => {
        resume(cause === null ? Effect.void : Effect.fail(new PortTaken({ ...place, cause })))
      })
    }),
    () => Effect.sync(() => server.forceShutdown())
  )

export const OtlpGrpc = Layer.effectDiscard(make)
