/**
 * Finds a nats-server that is new enough, or obtains one. The order: `$NATS_SERVER`, PATH, the cache, Debian's
 * packages.
 */
import { execFile } from "node:child_process"
import { existsSync } from "node:fs"
import { delimiter, join } from "node:path"
import { Effect } from "effect"
import { cacheFolder } from "./cacheFolder.ts"
import { DevstackError } from "./DevstackError.ts"
import { natsServerFromDebian } from "./natsServerFromDebian.ts"

/** Older servers let a leaf node publish what its user may not; see the advisories fixed on 2026-06-29. */
export const NATS_SERVER_VERSION_MIN = "2.14.3"

export interface NatsServerBinary {
  readonly path: string
  readonly version: string
}

const versionOf = (path: string): Effect.Effect<string | undefined> =>
  Effect.callback<string | undefined>((resume) => {
    execFile(path, ["--version"], (error, stdout) =>
      resume(Effect.succeed(error ? undefined : /v?(\d+\.\d+\.\d+)/.exec(stdout)?.[1]))
    )
  })

const isAtLeast = (version: string, minimum: string): boolean => {
  const numbers = version.split(".").map(Number)
  const limits = minimum.split(".").map(Number)
  for (const [index, limit] of limits.entries()) {
    const number = numbers[index] ?? 0
    if (number !== limit) return number > limit
  }
  return true
}

const usable = Effect.fnUntraced(function* (path: string) {
  if (!existsSync(path)) return undefined
  const version = yield* versionOf(path)
  return version === undefined ? undefined : { path, version }
})

const inPath = (): ReadonlyArray<string> =>
  (process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, "nats-server"))

/** The first nats-server of version 2.14.3 or newer, obtained when the machine has none. */
export const findNatsServer: Effect.Effect<NatsServerBinary, DevstackError> = Effect.gen(function* () {
  const given = process.env.NATS_SERVER
  const cached = join(cacheFolder("nats-server"), "nats-server")
  for (const path of [...(given === undefined ? [] : [given]), ...inPath(), cached]) {
    const found = yield* usable(path)
    if (found !== undefined && isAtLeast(found.version, NATS_SERVER_VERSION_MIN)) return found
    if (path === given) {
      return yield* new DevstackError({
        component: "nats-server",
        problem: `NATS_SERVER="${given}" is ${found === undefined ? "not a nats-server" : `version ${found.version}, older than ${NATS_SERVER_VERSION_MIN}`}`,
        nextStep: `Point it at nats-server ${NATS_SERVER_VERSION_MIN} or newer, or unset it to let one be found`
      })
    }
  }
  yield* natsServerFromDebian(cached)
  const obtained = yield* usable(cached)
  if (obtained !== undefined) return obtained
  return yield* new DevstackError({
    component: "nats-server",
    problem: "none was found and none could be obtained",
    nextStep: `Install nats-server ${NATS_SERVER_VERSION_MIN} or newer and set NATS_SERVER to its path`
  })
})
