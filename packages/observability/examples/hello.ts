import { Health, runService } from "@bulkhead/observability"
import { Effect, Layer } from "effect"

const Service = Layer.effectDiscard(
  Effect.gen(function* () {
    const health = yield* Health
    yield* health.register("database", Effect.succeed(undefined)) // or the reason why it is not ready
    yield* Effect.logInfo("hello")
  })
)

runService({ name: "hello", version: "1.0.0" }, Service)
