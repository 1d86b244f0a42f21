import { randomInt } from "node:crypto"
import { createServer } from "node:net"
import { Effect } from "effect"
import { DevstackError } from "./DevstackError.ts"

const listenOn = (wanted: number): Effect.Effect<number, NodeJS.ErrnoException> =>
  Effect.callback<number, NodeJS.ErrnoException>((resume) => {
    const probe = createServer()
    probe.once("error", (error) => resume(Effect.fail(error)))
    probe.listen(wanted, "127.0.0.1", () => {
      const address = probe.address()
      const port = typeof address === "object" && address !== null ? address.port : 0
      probe.close(() => resume(Effect.succeed(port)))
    })
  })

/** Below the ports that systems give to outgoing connections, one of which would else take it before it is used. */
const PORTS = { first: 10_000, last: 29_999 } as const
const TRIES = 100

/** A TCP port on 127.0.0.1 that nobody listens on at this moment. */
export const freePort: Effect.Effect<number> = Effect.suspend(() =>
  listenOn(randomInt(PORTS.first, PORTS.last + 1))
).pipe(Effect.retry({ times: TRIES }), Effect.orDie)

/** The wanted port when it is free, any free one when none is wanted; a taken port is an error that names it. */
export const portFor = (
  component: DevstackError["component"],
  wanted: number | undefined
): Effect.Effect<number, DevstackError> =>
  wanted === undefined
    ? freePort
    : listenOn(wanted).pipe(
        Effect.mapError(
          (cause) =>
            new DevstackError({
              component,
              problem: `port ${wanted} on 127.0.0.1 is taken`,
              nextStep: "Stop what listens there, or leave the port open to get a free one",
              cause
            })
        )
      )
