/**
 * The endpoints for whoever operates the process: `/livez`, `/readyz`, `/metrics`. It depends on nothing that can be
 * away, so that it answers while the service still waits for its servers.
 */
import { createServer } from "node:http"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Config, Effect, Layer, Schema } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import { Health } from "./Health.ts"
import { Metrics } from "./Metrics.ts"
import { portTaken } from "./portTaken.ts"

/**
 * | variable | default | meaning |
 * |---|---|---|
 * | `OPS_HOST` | `127.0.0.1` | where the endpoints listen |
 * | `OPS_PORT` | `9090` | where the endpoints listen |
 */
const config = Config.all({
  host: Config.String("OPS_HOST").pipe(Config.withDefault("127.0.0.1")),
  port: Config.schema(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 65_535 })), "OPS_PORT").pipe(
    Config.withDefault(9_090)
  )
})

const routes = Layer.mergeAll(
  HttpRouter.add("GET", "/livez", HttpServerResponse.text("ok\n")),
  HttpRouter.add(
    "GET",
    "/readyz",
    Effect.gen(function* () {
      const report = yield* (yield* Health).report
      return HttpServerResponse.jsonUnsafe(report, { status: report.ready ? 200 : 503 })
    })
  ),
  HttpRouter.add(
    "GET",
    "/metrics",
    Effect.gen(function* () {
      const { registry } = yield* Metrics
      const text = yield* Effect.promise(() => registry.metrics())
      return HttpServerResponse.text(text, { contentType: registry.contentType })
    })
  )
)

/** Serves the endpoints. Fails with `PortTaken` when somebody else listens there. */
export const OpsServer = Layer.unwrap(
  Effect.gen(function* () {
    const { host, port } = yield* config
    return HttpRouter.serve(routes, { disableLogger: true, disableListenLog: true }).pipe(
      Layer.provide(NodeHttpServer.layer(createServer, { host, port, gracefulShutdownTimeout: "1 second" })),
      portTaken({ host, port, variable: "OPS_PORT" })
    )
  })
)
