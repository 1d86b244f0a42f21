import { createServer } from "node:net"
import { Effect } from "effect"

/** A TCP port on 127.0.0.1 that nobody listens on at this moment. */
export const freePort: Effect.Effect<number> = Effect.callback<number>((resume) => {
  const probe = createServer()
  probe.once("error", (cause) => resume(Effect.die(cause)))
  probe.listen(0, "127.0.0.1", () => {
    const address = probe.address()
    const port = typeof address === "object" && address !== null ? address.port : 0
    probe.close(() => resume(Effect.succeed(port)))
  })
})
