/**
 * The way of these commands to NATS: the environment's (`NATS_URL` and what belongs to it), else the context's. They talk
 * to the server itself, because the installation to be moved may have no core yet.
 */
import { FlagBucketUnavailable, FlagStore } from "@bulkhead/flags"
import { JetStreamAdmin, MigrationError } from "@bulkhead/migration"
import { Nats, NatsError, type NatsOptions, natsConfig } from "@bulkhead/nats"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import { type CommandFailed, failed } from "../../../CommandFailed.ts"
import { currentContext } from "../../../contexts/currentContext.ts"
import { EXIT, type ExitCode } from "../../../ExitCode.ts"
import type { Settings } from "../../../Settings.ts"

const CONNECT_WAIT = "5 seconds"

const fromEnvironment = Effect.gen(function* () {
  const url = yield* Config.option(Config.String("NATS_URL"))
  return Option.isNone(url) || url.value === "" ? undefined : yield* natsConfig
}).pipe(Effect.mapError(({ message }) => failed(EXIT.usage, message)))

const fromContext: Effect.Effect<NatsOptions, CommandFailed, Settings> = Effect.gen(function* () {
  const { name, nats } = yield* currentContext
  if (nats === undefined) {
    return yield* failed(
      EXIT.usage,
      `Context "${name}" does not say how to reach NATS`,
      "Set NATS_URL, or add the context again with --nats-url"
    )
  }
  return { servers: [nats.url], credsFile: nats.credsFile }
})

const exitOf = ({ reason }: MigrationError): ExitCode => {
  switch (reason._tag) {
    case "ServerUnavailable":
      return EXIT.unreachable
    case "OperatorNeeded":
    case "MigrationBusy":
      return EXIT.waits
    default:
      return EXIT.fault
  }
}

/** One line: the problems of a plan are shown by `plan`, one a line. */
const asFailure = (error: MigrationError): CommandFailed =>
  failed(exitOf(error), error.message.replaceAll("\n- ", " ").replaceAll("\n", " "))

const nats = Layer.unwrap(
  Effect.gen(function* () {
    const options = (yield* fromEnvironment) ?? (yield* fromContext)
    return Nats.layerWith({ ...options, clientName: "bulkhead-cli" })
  })
)

const connection = Effect.gen(function* () {
  const { connection: open } = yield* Nats
  return yield* open.pipe(
    Effect.timeoutOrElse({
      duration: CONNECT_WAIT,
      orElse: () =>
        Effect.fail(
          failed(EXIT.unreachable, `NATS does not answer within ${CONNECT_WAIT}`, "Check that it runs, and NATS_URL")
        )
    })
  )
})

const tools = JetStreamAdmin.layer.pipe(Layer.provideMerge(nats))

/** For commands that take steps: it makes the bucket of flags. */
export const flagStore = FlagStore.layer(connection)

/** Gives a command what it needs, and makes an exit code of how it ends. */
export const withMigration = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.andThen(connection, effect).pipe(
    Effect.provide(tools),
    Effect.catchIf(
      (error) => error instanceof MigrationError,
      (error) => Effect.fail(asFailure(error))
    ),
    Effect.catchIf(
      (error) => error instanceof NatsError,
      ({ message }) => Effect.fail(failed(EXIT.unauthorized, message))
    ),
    Effect.catchIf(
      (error) => error instanceof FlagBucketUnavailable,
      ({ message }) => Effect.fail(failed(EXIT.fault, message))
    ),
    // Standard output is the command's answer.
    Effect.provide(Logger.layer([]))
  )
