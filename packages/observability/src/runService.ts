/**
 * The main of every service: logs, metrics, traces and health first, then the service itself, then a shutdown in order.
 */

import { readSettings, Setting } from "@bulkhead/settings"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Cause, Effect, Layer } from "effect"
import { Health } from "./Health.ts"
import { Metrics } from "./Metrics.ts"
import { OpsServer, opsSettings } from "./OpsServer.ts"
import { loggerLayer, logSettings } from "./pinoLogger.ts"
import { problemText } from "./problemText.ts"
import { tracingLayer, tracingSettings } from "./tracing.ts"

/** Who runs. */
export interface ServiceIdentity {
  /** The service's name in logs, metrics and traces. */
  readonly name: string
  readonly version: string
}

const shutdownSettings = {
  timeoutMs: Setting.whole(
    "SHUTDOWN_TIMEOUT_MS",
    "milliseconds",
    { from: 1 },
    "a shutdown that takes longer is cut"
  ).or(25_000)
}

/** What every service reads before its own settings; from the environment alone, as logs begin before any file is read. */
export const serviceSettings = {
  log: logSettings,
  ops: opsSettings,
  tracing: tracingSettings,
  shutdown: shutdownSettings
}

const forceExit = (reason: string) => {
  process.stderr.write(`${reason}\n`)
  process.exit(1)
}

/** A shutdown that hangs, or a second signal, ends the process at once. */
const boundShutdown = Effect.fnUntraced(function* (timeoutMs: number) {
  let signals = 0
  const onSignal = () => {
    signals += 1
    if (signals > 1) return forceExit("a second signal: ending at once")
    setTimeout(() => forceExit(`the shutdown took longer than ${timeoutMs} ms: ending at once`), timeoutMs).unref()
  }
  yield* Effect.sync(() => process.on("SIGTERM", onSignal).on("SIGINT", onSignal))
})

/** The root cause in one line; the stack only for what nobody foresaw. */
const logFatal = (cause: Cause.Cause<unknown>) => {
  if (Cause.hasInterruptsOnly(cause)) return Effect.void
  const error = Cause.squash(cause)
  return Cause.hasDies(cause) ? Effect.logFatal(problemText(error), cause) : Effect.logFatal(problemText(error))
}

const program = <E>(layer: Layer.Layer<never, E, Health | Metrics>) =>
  Effect.gen(function* () {
    const health = yield* Health
    yield* boundShutdown((yield* readSettings(shutdownSettings)).timeoutMs)
    yield* Layer.build(layer)
    // Registered last, so undone first: readiness turns red before anything closes.
    yield* Effect.addFinalizer(() => Effect.andThen(health.setPhase("stopping"), Effect.logInfo("stopping")))
    yield* health.setPhase("running")
    yield* Effect.logInfo("started")
    return yield* Effect.never
  }).pipe(Effect.scoped)

/**
 * Runs a service until SIGTERM or SIGINT. While its layer is being built, `/livez` answers and `/readyz` says
 * `starting`. Exit codes: 0 is never used by a service, 1 after a failure or a forced end, 130 after an orderly shutdown.
 */
export const runService = <E>(identity: ServiceIdentity, layer: Layer.Layer<never, E, Health | Metrics>): void => {
  const base = Layer.mergeAll(Health.layer, Metrics.layer(identity.name, identity.version))
  const platform = OpsServer.pipe(Layer.provideMerge(base), Layer.provideMerge(tracingLayer(identity.name)))
  const main = Effect.gen(function* () {
    // Only the logger's own settings can fail before there is a logger.
    const logger = yield* Layer.build(loggerLayer(identity.name)).pipe(
      Effect.tapError((error) => Effect.sync(() => process.stderr.write(`${problemText(error)}\n`)))
    )
    // Everything else fails inside, where it is logged once.
    yield* program(layer).pipe(Effect.provide(platform), Effect.tapCause(logFatal), Effect.provideContext(logger))
  }).pipe(Effect.scoped)
  NodeRuntime.runMain(main, { disableErrorReporting: true })
}
