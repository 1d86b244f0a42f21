/**
 * The endpoints for whoever operates the process: `/livez`, `/readyz`, `/metrics`. It depends on nothing that can be
 * away, so that it answers while the service still waits for its servers.
 */
import { createServer } from "node:http"
import { readSettings, Setting } from "@bulkhead/settings"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Effect, Layer } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import { Health } from "./Health.ts"
import { Metrics } from "./Metrics.ts"
import { portTaken } from "./portTaken.ts"

export const opsSettings = {
  host: Setting.text("OPS_HOST", "where `/livez`, `/readyz` and `/metrics` are", "address").or("127.0.0.1"),
  port: Setting.port("OPS_PORT", "where they are").or(9_090)
}

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
    const { host, port } = yield* readSettings(opsSettings)
    return HttpRouter.serve(routes, { disableLogger: true, disableListenLog: true }).pipe(
      Layer.provide(NodeHttpServer.layer(createServer, { host, port, gracefulShutdownTimeout: "1 second" })),
      portTaken({ host, port, variable: "OPS_PORT" })
    )
  })
)
