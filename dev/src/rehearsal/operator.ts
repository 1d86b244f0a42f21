/**
 * The operator: gives the same commands as a person, and shows them with what they answer.
 */
import { bulkhead } from "@bulkhead/cli"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { ConfigProvider, Console, Effect, Layer } from "effect"
import { DevError } from "../DevError.ts"

const indented = (text: string): string => text.trimEnd().replaceAll(/^(?=.)/gm, "    ")

/** Shows what a command prints below its own line, and keeps what it says of a failure. */
const indenting = (outer: Console.Console) => {
  const failures: Array<string> = []
  const console: Console.Console = Object.create(outer)
  console.log = (...parts) => outer.log(indented(parts.join(" ")))
  console.error = (...parts) => void failures.push(parts.join(" "))
  return { console, failures }
}

/** Gives commands below `bulkhead streams migrate` to the installation at `natsUrl`; each must succeed. */
export const operatorAt = (natsUrl: string) => {
  const environment = ConfigProvider.layer(ConfigProvider.fromEnvRecord({ ...process.env, NATS_URL: natsUrl }))
  return Effect.fnUntraced(function* (...args: ReadonlyArray<string>) {
    const command = ["streams", "migrate", ...args]
    const { console, failures } = indenting(yield* Console.Console)
    yield* Console.log(`\n$ bulkhead ${command.join(" ")}`)
    const exit = yield* bulkhead(command).pipe(
      Effect.provideService(Console.Console, console),
      Effect.provide(Layer.merge(NodeServices.layer, environment))
    )
    if (exit === 0) return
    return yield* new DevError({
      problem: `"bulkhead ${command.join(" ")}" ended with ${exit}: ${failures.join(" ")}`,
      nextStep: "A migration of your own would have stopped here: do what it says"
    })
  })
}
