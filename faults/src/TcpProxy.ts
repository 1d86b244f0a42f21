/**
 * A wire that can be cut: it forwards TCP connections to one server and, when told, cuts them, refuses new ones, holds
 * back bytes, or brings answers late. Neither end notices more than a network would show it.
 */
import { createServer, connect as dial, type Server, type Socket } from "node:net"
import { Effect, type Scope } from "effect"

export interface TcpProxy {
  readonly port: number
  /** Cuts all connections and gives how many there were. */
  readonly cut: Effect.Effect<number>
  /** Whether new connections are cut at once. */
  readonly refuse: (isRefusing: boolean) => Effect.Effect<void>
  /** Holds back what the server answers, or the bytes of both directions; `nothing` lets all held bytes go on. */
  readonly hold: (what: "nothing" | "answers" | "everything") => Effect.Effect<void>
  /** Brings each piece of an answer so much later, milliseconds. */
  readonly delayAnswers: (ms: number) => Effect.Effect<void>
}

/** One direction of one connection. Bytes keep their order whatever becomes of the delay meanwhile. */
class Pipe {
  readonly #to: Socket
  readonly #waiting: Array<{ readonly bytes: Buffer; readonly dueAtMs: number }> = []
  #timer: NodeJS.Timeout | undefined
  #isHeld = false

  constructor(to: Socket) {
    this.#to = to
  }

  push(bytes: Buffer, delayMs: number): void {
    if (this.#waiting.length === 0 && delayMs === 0 && !this.#isHeld) {
      this.#to.write(bytes)
      return
    }
    this.#waiting.push({ bytes, dueAtMs: Date.now() + delayMs })
    this.#schedule()
  }

  hold(isHeld: boolean): void {
    this.#isHeld = isHeld
    this.#schedule()
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#waiting.length = 0
    this.#to.destroy()
  }

  #schedule(): void {
    clearTimeout(this.#timer)
    const [next] = this.#waiting
    if (next === undefined || this.#isHeld) return
    this.#timer = setTimeout(() => this.#flush(), Math.max(0, next.dueAtMs - Date.now()))
  }

  #flush(): void {
    const nowMs = Date.now()
    while (this.#waiting[0] !== undefined && this.#waiting[0].dueAtMs <= nowMs) {
      this.#to.write(this.#waiting.shift()?.bytes ?? "")
    }
    this.#schedule()
  }
}

/** A socket that has sent its end cannot be reset any more: libuv would never close it, and the process never exit. */
const reset = (socket: Socket) => (socket.writableEnded ? socket.destroy() : socket.resetAndDestroy())

interface Link {
  readonly requests: Pipe
  readonly answers: Pipe
  readonly cut: () => void
}

/** What the proxy does now; links look at it with each piece of data. */
class Wire {
  readonly #links = new Set<Link>()
  readonly #targetPort: number
  isRefusing = false
  held: "nothing" | "answers" | "everything" = "nothing"
  delayMs = 0

  constructor(targetPort: number) {
    this.#targetPort = targetPort
  }

  accept(client: Socket): void {
    if (this.isRefusing) {
      reset(client)
      return
    }
    const server = dial(this.#targetPort, "127.0.0.1")
    for (const socket of [client, server]) socket.setNoDelay(true)
    const requests = new Pipe(server)
    const answers = new Pipe(client)
    const cut = () => {
      this.#links.delete(link)
      for (const socket of [client, server]) reset(socket)
      requests.close()
      answers.close()
    }
    const link: Link = { requests, answers, cut }
    this.#links.add(link)
    this.#holdOn(link)
    client.on("data", (bytes) => requests.push(bytes, 0))
    server.on("data", (bytes) => answers.push(bytes, this.delayMs))
    // Whichever end goes, the other one learns of it as soon as what is under way has arrived.
    client.once("end", () => server.end()).once("error", cut)
    server.once("end", () => client.end()).once("error", cut)
    server.once("close", () => this.#links.delete(link))
  }

  hold(what: Wire["held"]): void {
    this.held = what
    for (const link of this.#links) this.#holdOn(link)
  }

  cut(): number {
    const links = [...this.#links]
    for (const link of links) link.cut()
    return links.length
  }

  #holdOn({ requests, answers }: Link): void {
    requests.hold(this.held === "everything")
    answers.hold(this.held !== "nothing")
  }
}

const listen = (server: Server): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once("error", reject)
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      resolve(typeof address === "object" && address !== null ? address.port : 0)
    })
  })

/** Forwards a free port of 127.0.0.1 to `targetPort` until the scope closes. */
export const startTcpProxy = Effect.fnUntraced(function* (
  targetPort: number
): Effect.fn.Return<TcpProxy, never, Scope.Scope> {
  const wire = new Wire(targetPort)
  const server = createServer((client) => wire.accept(client))
  const port = yield* Effect.acquireRelease(
    Effect.promise(() => listen(server)),
    () =>
      Effect.sync(() => {
        server.close()
        wire.cut()
      })
  )
  return {
    port,
    cut: Effect.sync(() => wire.cut()),
    refuse: (isRefusing) =>
      Effect.sync(() => {
        wire.isRefusing = isRefusing
      }),
    hold: (what) => Effect.sync(() => wire.hold(what)),
    delayAnswers: (ms) =>
      Effect.sync(() => {
        wire.delayMs = ms
      })
  }
})
