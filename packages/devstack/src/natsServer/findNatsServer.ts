/**
 * Finds a nats-server that is new enough, or obtains one. The order: `$NATS_SERVER`, PATH, the cache, the official
 * release, Debian's packages, a build with Go.
 */
import { execFile } from "node:child_process"
import { existsSync } from "node:fs"
import { delimiter, join } from "node:path"
import { Effect } from "effect"
import { cacheFolder } from "../cacheFolder.ts"
import { DevstackError } from "../DevstackError.ts"
import { inTurn } from "../inTurn.ts"
import { natsServerFromDebian } from "./fromDebian.ts"
import { natsServerFromGo } from "./fromGo.ts"
import { natsServerFromRelease } from "./fromRelease.ts"
import type { NatsServerSource } from "./NatsServerSource.ts"

/** Older servers let a leaf node publish what its user may not (advisories fixed on 2026-06-29). */
export const NATS_SERVER_VERSION_MIN = "2.14.3"

export interface NatsServerBinary {
  readonly path: string
  readonly version: string
}

/** Where to look; the defaults are this machine's. */
export interface NatsServerSearch {
  /** This version and no other; any that is new enough when absent. */
  readonly version?: string
  /** `$NATS_SERVER`: this one or none. */
  readonly given: string | undefined
  readonly folders: ReadonlyArray<string>
  /** The folder that keeps an obtained one. */
  readonly cache: string
  readonly sources: ReadonlyArray<NatsServerSource>
  /** Told what takes time. */
  readonly onProgress: (line: string) => void
}

const isNewEnough = (version: string): boolean => {
  const limits = NATS_SERVER_VERSION_MIN.split(".").map(Number)
  const numbers = version.split(".").map(Number)
  for (const [index, limit] of limits.entries()) {
    const number = numbers[index] ?? 0
    if (number !== limit) return number > limit
  }
  return true
}

const versionOf = (path: string): Effect.Effect<string | undefined> =>
  Effect.callback<string | undefined>((resume) => {
    execFile(path, ["--version"], { timeout: 10_000 }, (error, stdout) =>
      resume(Effect.succeed(error ? undefined : /v?(\d+\.\d+\.\d+)/.exec(stdout)?.[1]))
    )
  })

/** The binary, or why it is none that we can use. */
const examine = Effect.fnUntraced(function* (path: string, wanted: string | undefined) {
  if (!existsSync(path)) return `${path} does not exist`
  const version = yield* versionOf(path)
  if (version === undefined) return `${path} is no nats-server`
  if (wanted !== undefined)
    return version === wanted ? { path, version } : `${path} is version ${version}, not ${wanted}`
  if (!isNewEnough(version)) return `${path} is version ${version}, older than ${NATS_SERVER_VERSION_MIN}`
  return { path, version }
})

const failed = (problem: string, nextStep: string) => new DevstackError({ component: "nats-server", problem, nextStep })

const messageOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).trim().split("\n").slice(0, 3).join(" ")

const findIn = Effect.fnUntraced(function* (search: NatsServerSearch) {
  for (const path of [...search.folders, search.cache].map((folder) => join(folder, "nats-server"))) {
    if (!existsSync(path)) continue
    const found = yield* examine(path, search.version)
    if (typeof found === "object") return found
    search.onProgress(`${found}: looking further`)
  }
  return undefined
})

const obtain = Effect.fnUntraced(function* (search: NatsServerSearch) {
  const target = join(search.cache, "nats-server")
  const failures: Array<string> = []
  for (const source of search.sources) {
    search.onProgress(`obtaining nats-server from ${source.name} …`)
    const found = yield* Effect.tryPromise({ try: () => source.obtain(target), catch: messageOf }).pipe(
      Effect.andThen(examine(target, search.version)),
      Effect.catch((problem) => Effect.succeed(problem))
    )
    if (typeof found === "object") return found
    failures.push(`${source.name}: ${found}`)
    search.onProgress(`${source.name}: ${found}`)
  }
  return yield* failed(
    `none was found and none could be obtained (${failures.join("; ")})`,
    search.version === undefined
      ? `Install nats-server ${NATS_SERVER_VERSION_MIN} or newer, from its release page or your package manager, and set NATS_SERVER to its path`
      : `Put nats-server ${search.version}, from its release page, into ${search.cache}`
  )
})

/** The first usable nats-server of a search. */
export const findNatsServerIn = Effect.fnUntraced(function* (
  search: NatsServerSearch
): Effect.fn.Return<NatsServerBinary, DevstackError> {
  if (search.given !== undefined) {
    const given = yield* examine(search.given, search.version)
    if (typeof given === "object") return given
    return yield* failed(
      `NATS_SERVER: ${given}`,
      `Set it to nats-server ${NATS_SERVER_VERSION_MIN} or newer, or unset it to let one be found`
    )
  }
  const found = yield* findIn(search)
  if (found !== undefined) return found
  // Another process may have obtained it while this one waited for its turn.
  const obtained = Effect.flatMap(findIn(search), (late) =>
    late === undefined ? obtain(search) : Effect.succeed(late)
  )
  return yield* inTurn(search.cache, obtained)
})

const onProgress = (line: string) => console.error(`bulkhead: ${line}`)
const pathFolders = () => (process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== "")

/** A nats-server of version 2.14.3 or newer, obtained when this machine has none. */
export const findNatsServer: Effect.Effect<NatsServerBinary, DevstackError> = Effect.suspend(() =>
  findNatsServerIn({
    given: process.env.NATS_SERVER,
    folders: pathFolders(),
    cache: cacheFolder("nats-server"),
    sources: [natsServerFromRelease(), natsServerFromDebian, natsServerFromGo()],
    onProgress
  })
)

/**
 * The nats-server of one version, which may be older than those that run the platform: for tests of what an older one
 * does. Kept beside the other, in a folder of its own.
 */
export const findNatsServerVersion = (version: string): Effect.Effect<NatsServerBinary, DevstackError> =>
  Effect.suspend(() =>
    findNatsServerIn({
      version,
      given: undefined,
      folders: pathFolders(),
      cache: cacheFolder(`nats-server-${version}`),
      sources: [natsServerFromRelease(version), natsServerFromGo(version)],
      onProgress
    })
  )
