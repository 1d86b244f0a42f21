/**
 * A customer's site on this machine, for tests: a leaf node with the configuration that this package writes, and the
 * credentials of whoever connects to it.
 */
import { execFile } from "node:child_process"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { promisify } from "node:util"
import type { TenantSlug } from "@bulkhead/channels"
import { findNatsServer, freePort, startServerProcess } from "@bulkhead/devstack"
import { Effect, Redacted } from "effect"
import { type LeafFiles, leafConfig, makeSiteIdentity, SITE_USER_NAMES, type Site } from "../src/index.ts"

const MIB = 1024 * 1024

/** A site of acme that reaches the platform at `hubUrl`. */
export const makeSite = (hubUrl: string, change: Partial<Site> = {}) =>
  Effect.gen(function* () {
    const site: Site = {
      tenant: "acme" as TenantSlug,
      name: "berlin",
      hubUrls: [hubUrl],
      messageBytesMax: MIB,
      bufferBytesMax: 64 * MIB,
      listenHost: "127.0.0.1",
      listenPort: yield* freePort,
      monitorPort: yield* freePort,
      ...change
    }
    return site
  })

/** Writes the leaf node's files below `folder`, has the real server check them, and runs it. */
export const startLeaf = Effect.fnUntraced(function* (
  site: Site,
  folder: string,
  creds: Redacted.Redacted<string>,
  files: Partial<LeafFiles> = {}
) {
  const identity = yield* Effect.promise(() => makeSiteIdentity(site))
  mkdirSync(folder, { recursive: true })
  const write = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text, { mode: 0o600 })
    return join(folder, name)
  }
  const credsFile = write("leaf.creds", Redacted.value(creds))
  const config = write(
    "leaf.conf",
    leafConfig(site, identity, { dataFolder: join(folder, "data"), credsFile, ...files })
  )
  for (const user of SITE_USER_NAMES) write(`${user}.creds`, Redacted.value(identity.credentials[user]))
  const { path } = yield* findNatsServer
  yield* Effect.promise(() => promisify(execFile)(path, ["-t", "-c", config]))
  const server = yield* startServerProcess({
    component: `leaf node of ${site.name}`,
    command: path,
    args: ["-c", config],
    stopSignal: "SIGTERM",
    logFile: join(folder, "leaf.log"),
    isReady: (line) => line.includes("Server is ready")
  })
  const isLinked = Effect.promise(async () => {
    const { leafnodes } = (await (await fetch(`http://127.0.0.1:${site.monitorPort}/leafz`)).json()) as {
      leafnodes: number
    }
    return leafnodes === 1
  })
  const logHas = (text: string) => Effect.sync(() => readFileSync(join(folder, "leaf.log"), "utf8").includes(text))
  return {
    ...server,
    logHas,
    url: `nats://127.0.0.1:${site.listenPort}`,
    file: (name: string) => join(folder, name),
    isLinked
  }
})

export type Leaf = Effect.Success<ReturnType<typeof startLeaf>>
