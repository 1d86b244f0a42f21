/** Obtains the server binaries before tests or the platform need them, so that no test waits for a download. */
import { Effect } from "effect"
import { findNatsServer } from "./natsServer/findNatsServer.ts"

Effect.runPromise(findNatsServer).then(
  ({ path, version }) => console.error(`nats-server ${version}: ${path}`),
  (error) => {
    console.error(String(error))
    process.exitCode = 1
  }
)
