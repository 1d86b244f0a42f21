/** A server over HTTP that speaks JSON: what stand-ins for stores are made of. */
import { createServer, type IncomingMessage } from "node:http"
import type { AddressInfo } from "node:net"
import { Effect } from "effect"

/** What a stand-in for a store over HTTP gets and gives. */
export interface Request {
  readonly method: string
  readonly url: URL
  readonly headers: IncomingMessage["headers"]
  readonly body: unknown
}

export interface Response {
  readonly status: number
  readonly body?: unknown
}

/** Serves `answer` on a free port of 127.0.0.1 until the scope closes, and gives the address. */
export const serveJson = (answer: (request: Request) => Response | Promise<Response>) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const server = createServer(async (incoming, outgoing) => {
        const chunks: Array<Buffer> = []
        for await (const chunk of incoming) chunks.push(chunk)
        const text = Buffer.concat(chunks).toString("utf8")
        const { status, body } = await answer({
          method: incoming.method ?? "",
          url: new URL(incoming.url ?? "", "http://127.0.0.1"),
          headers: incoming.headers,
          body: text === "" ? undefined : JSON.parse(text)
        })
        outgoing.writeHead(status, { "content-type": "application/json" })
        outgoing.end(body === undefined ? undefined : JSON.stringify(body))
      })
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
      return server
    }),
    (server) =>
      Effect.promise(async () => {
        server.closeAllConnections()
        await new Promise((resolve) => server.close(resolve))
      })
  ).pipe(Effect.map((server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`))
