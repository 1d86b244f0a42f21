import { execFileSync, spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createServer, type RequestListener } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { findNatsServerIn } from "../src/natsServer/findNatsServer.ts"
import { natsServerFromRelease } from "../src/natsServer/fromRelease.ts"
import { NATS_SERVER_VERSION, type NatsServerSource } from "../src/natsServer/NatsServerSource.ts"

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "bulkhead-find-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

/** A program that says it is nats-server of a version. */
const fakeServer = (path: string, version: string): string => {
  mkdirSync(path, { recursive: true })
  const file = join(path, "nats-server")
  writeFileSync(file, `#!/bin/sh\necho "nats-server: v${version}"\n`)
  chmodSync(file, 0o755)
  return file
}

const search = (cache: string, other: Partial<Parameters<typeof findNatsServerIn>[0]> = {}) => ({
  given: undefined,
  folders: [],
  cache,
  sources: [],
  onProgress: () => {},
  ...other
})

const source = (name: string, obtain: (target: string) => void): NatsServerSource => ({
  name,
  obtain: async (target) => obtain(target)
})

describe("findNatsServer", () => {
  it.live("takes the given one before any other", () =>
    Effect.gen(function* () {
      const root = yield* folder
      const given = fakeServer(join(root, "given"), "2.15.1")
      fakeServer(join(root, "path"), "2.15.2")
      const found = yield* findNatsServerIn(search(root, { given, folders: [join(root, "path")] }))
      assert.deepStrictEqual(found, { path: given, version: "2.15.1" })
    })
  )

  it.live("refuses a given one that is older than 2.14.3, absent or no nats-server, with value and next step", () =>
    Effect.gen(function* () {
      const root = yield* folder
      const old = fakeServer(join(root, "old"), "2.14.2")
      const other = join(root, "other")
      writeFileSync(other, "#!/bin/sh\necho hello\n", { mode: 0o755 })
      for (const [given, problem] of [
        [old, "is version 2.14.2, older than 2.14.3"],
        [join(root, "nowhere"), "does not exist"],
        [other, "is no nats-server"]
      ] as const) {
        const error = yield* Effect.flip(findNatsServerIn(search(root, { given })))
        assert.include(error.message, `${given} ${problem}`)
        assert.include(error.message, "or unset it")
      }
    })
  )

  it.live("passes over an old one on PATH and takes the next, then the cached one", () =>
    Effect.gen(function* () {
      const root = yield* folder
      const notes: Array<string> = []
      fakeServer(join(root, "old"), "2.9.0")
      const newer = fakeServer(join(root, "new"), "2.14.3")
      const cached = fakeServer(join(root, "cache"), "2.15.0")
      const onProgress = (line: string) => void notes.push(line)
      const both = search(join(root, "cache"), { folders: [join(root, "old"), join(root, "new")], onProgress })
      assert.strictEqual((yield* findNatsServerIn(both)).path, newer)
      assert.match(notes.join(), /2\.9\.0, older than 2\.14\.3/)
      assert.strictEqual((yield* findNatsServerIn({ ...both, folders: [] })).path, cached)
    })
  )

  it.live("tries one source after the other and keeps what it obtained", () =>
    Effect.gen(function* () {
      const root = yield* folder
      const sources = [
        source("first", () => {
          throw new Error("closed today")
        }),
        source("second", () => void fakeServer(root, "2.15.1")),
        source("third", () => assert.fail("not needed"))
      ]
      assert.strictEqual((yield* findNatsServerIn(search(root, { sources }))).version, "2.15.1")
      assert.isTrue(existsSync(join(root, "nats-server")))
    })
  )

  it.live("takes an old version where that one is asked for, and no newer one instead", () =>
    Effect.gen(function* () {
      const root = yield* folder
      const newer = fakeServer(join(root, "path"), "2.15.1")
      const sources = [source("releases", () => void fakeServer(root, "2.10.29"))]
      const found = yield* findNatsServerIn(search(root, { version: "2.10.29", folders: [join(newer, "..")], sources }))
      assert.deepStrictEqual(found, { path: join(root, "nats-server"), version: "2.10.29" })
      const error = yield* Effect.flip(findNatsServerIn(search(join(root, "path"), { version: "2.10.28" })))
      assert.include(error.message, "Put nats-server 2.10.28")
    })
  )

  it.live("obtains once when two want it at the same time, also where a killed process left its lock", () =>
    Effect.gen(function* () {
      const root = yield* folder
      const ended = spawnSync("true")
      writeFileSync(join(root, "lock"), String(ended.pid))
      let times = 0
      const sources: ReadonlyArray<NatsServerSource> = [
        {
          name: "slow",
          obtain: async () => {
            times += 1
            await new Promise((resolve) => setTimeout(resolve, 300))
            fakeServer(root, "2.15.1")
          }
        }
      ]
      const twice = Array.from({ length: 2 }, () => findNatsServerIn(search(root, { sources })))
      const found = yield* Effect.all(twice, { concurrency: 2 })
      assert.deepStrictEqual(
        found.map(({ version }) => version),
        ["2.15.1", "2.15.1"]
      )
      assert.strictEqual(times, 1)
      assert.isFalse(existsSync(join(root, "lock")))
    })
  )

  it.live("says what each source said and how to get one when all fail", () =>
    Effect.gen(function* () {
      const root = yield* folder
      const sources = ["a", "b"].map((name) =>
        source(name, () => {
          throw new Error(`no ${name}`)
        })
      )
      const error = yield* Effect.flip(findNatsServerIn(search(root, { sources })))
      assert.include(error.message, "a: no a; b: no b")
      assert.include(error.message, "set NATS_SERVER to its path")
    })
  )
})

/** A place like the official one, which serves an archive and a list of checksums. */
const releases = (answer: (path: string) => string | Buffer | undefined) =>
  Effect.acquireRelease(
    Effect.callback<{ url: string; close: () => void }>((resume) => {
      const listener: RequestListener = (request, response) => {
        const body = answer(request.url ?? "")
        if (body === undefined) response.writeHead(404).end()
        else response.end(body)
      }
      const server = createServer(listener)
      server.listen(0, "127.0.0.1", () =>
        resume(
          Effect.succeed({
            url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
            close: () => server.close()
          })
        )
      )
    }),
    (server) => Effect.sync(server.close)
  )

const releaseName = `nats-server-v${NATS_SERVER_VERSION}-${process.platform}-${process.arch === "x64" ? "amd64" : process.arch}`

const archiveIn = (root: string): Buffer => {
  fakeServer(join(root, releaseName), NATS_SERVER_VERSION)
  execFileSync("tar", ["-czf", join(root, "archive.tar.gz"), "-C", root, releaseName])
  return readFileSync(join(root, "archive.tar.gz"))
}

const sha256 = (data: Buffer | string) => createHash("sha256").update(data).digest("hex")

describe("natsServerFromRelease", () => {
  const obtain = (url: string, target: string) =>
    Effect.tryPromise({ try: () => natsServerFromRelease(NATS_SERVER_VERSION, url).obtain(target), catch: String })

  it.live("puts the released binary into place when its checksum is right", () =>
    Effect.gen(function* () {
      const root = yield* folder
      const archive = archiveIn(root)
      const { url } = yield* releases((path) =>
        path.endsWith("SHA256SUMS") ? `0  other.zip\n${sha256(archive)}  ${releaseName}.tar.gz\n` : archive
      )
      yield* obtain(url, join(root, "nats-server"))
      const found = yield* findNatsServerIn(search(root))
      assert.strictEqual(found.version, NATS_SERVER_VERSION)
    })
  )

  it.live("leaves nothing behind when the checksum is wrong, the list is silent, or the place answers 404", () =>
    Effect.gen(function* () {
      const root = yield* folder
      const archive = archiveIn(root)
      const answers = [
        [
          (path: string) => (path.endsWith("SHA256SUMS") ? `${sha256("x")}  ${releaseName}.tar.gz` : archive),
          "checksum"
        ],
        [(path: string) => (path.endsWith("SHA256SUMS") ? "" : archive), "no checksum for"],
        [() => undefined, "HTTP status 404"]
      ] as const
      for (const [answer, problem] of answers) {
        const { url } = yield* releases(answer)
        assert.include(yield* Effect.flip(obtain(url, join(root, "nats-server"))), problem)
        assert.isFalse(existsSync(join(root, "nats-server")))
      }
    })
  )

  it.live("gives up quickly on a place that cannot be reached", () =>
    Effect.gen(function* () {
      const root = yield* folder
      assert.include(yield* Effect.flip(obtain("http://127.0.0.1:1", join(root, "nats-server"))), "cannot be reached")
    })
  )
})
