import { mkdtempSync, writeFileSync } from "node:fs"
import { createServer, type RequestListener } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { KubernetesSecrets } from "../src/KubernetesSecrets.ts"

const apiServer = (answer: RequestListener) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<ReturnType<typeof createServer>>((resume) => {
        const server = createServer(answer)
        server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
      }),
      (server) => Effect.sync(() => server.close().closeAllConnections())
    ),
    (server) => {
      const tokenFile = join(mkdtempSync(join(tmpdir(), "bulkhead-token-")), "token")
      writeFileSync(tokenFile, "the-token\n")
      const { port } = server.address() as AddressInfo
      return new KubernetesSecrets({ apiServer: `http://127.0.0.1:${port}`, namespace: "platform", tokenFile })
    }
  )

describe("KubernetesSecrets", () => {
  it.live("reads back what it wrote, as the service account, and nothing where there is no Secret", () =>
    Effect.gen(function* () {
      const kept = new Map<string, string>()
      const asked: Array<string> = []
      const secrets = yield* apiServer((request, response) => {
        const { pathname } = new URL(request.url ?? "", "http://api")
        asked.push(`${request.method} ${pathname} ${request.headers.authorization}`)
        if (request.method === "GET") {
          const text = kept.get(pathname)
          return response.writeHead(text === undefined ? 404 : 200).end(text)
        }
        let body = ""
        request.on("data", (chunk) => {
          body += chunk
        })
        request.on("end", () => {
          kept.set(pathname, body)
          response.writeHead(201).end()
        })
      })
      assert.deepStrictEqual(yield* secrets.read("bulkhead-creds-core"), {})
      yield* secrets.write("bulkhead-creds-core", { "core.creds": "a seed" })
      assert.deepStrictEqual(yield* secrets.read("bulkhead-creds-core"), { "core.creds": "a seed" })
      const path = "/api/v1/namespaces/platform/secrets/bulkhead-creds-core"
      assert.strictEqual(asked[1], `PATCH ${path} Bearer the-token`)
    })
  )

  it.live("says which Secret the service account may not write", () =>
    Effect.gen(function* () {
      const secrets = yield* apiServer((_, response) => response.writeHead(403).end())
      const error = yield* Effect.flip(secrets.write("bulkhead-creds-core", { "core.creds": "a seed" }))
      assert.include(error.message, 'write the Secret "bulkhead-creds-core" (HTTP 403)')
      assert.notInclude(error.message, "a seed")
    })
  )
})
