/**
 * Makes a new data folder. `initdb` takes half a second of a processor, a copy a twentieth, and a test run makes dozens:
 * so the first one is kept and copied.
 */
import { execFile } from "node:child_process"
import { existsSync, rmSync, statSync } from "node:fs"
import { join } from "node:path"
import { promisify } from "node:util"
import { Effect } from "effect"
import { cacheFolder } from "./cacheFolder.ts"
import { DevstackError } from "./DevstackError.ts"
import type { PostgresBinaries } from "./postgresBinaries.ts"
import { isRoot, NOBODY } from "./postgresFolder.ts"

const run = promisify(execFile)

/** Run by whoever will run the server, because the server insists on owning its data. */
const as = { cwd: "/", ...(isRoot ? NOBODY : {}) }

const initdb = (bin: string, data: string) => {
  const cluster = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync", "--no-instructions"]
  return run(join(bin, "initdb"), ["-D", data, ...cluster], { ...as, env: {} })
}

const templateOf = (version: string): string =>
  isRoot ? `/var/tmp/bulkhead-template-${version}` : join(cacheFolder("postgresql"), version)

/** Anybody may write into /var/tmp: what stands there is used only when its owner is ours. */
const isOurs = (folder: string): boolean => statSync(folder).uid === (isRoot ? NOBODY.uid : process.getuid?.())

const makeTemplate = async (bin: string, template: string): Promise<void> => {
  const made = `${template}.${process.pid}`
  await initdb(bin, made)
  // Where another process was first, `mv` fails and its template is as good.
  await run("mv", ["-T", made, template], as).catch(() => rmSync(made, { recursive: true, force: true }))
}

const copyTemplate = async ({ bin, version }: PostgresBinaries, data: string): Promise<void> => {
  const template = templateOf(version)
  if (!existsSync(template)) await makeTemplate(bin, template)
  if (!isOurs(template)) return void (await initdb(bin, data))
  await run("cp", ["-R", "-p", `${template}/.`, data], as)
}

/** Fills `data`, which is absent or empty and whose parent the server's user may write, with an empty cluster. */
export const initialise = (binaries: PostgresBinaries, data: string): Effect.Effect<void, DevstackError> =>
  Effect.tryPromise({
    try: () => copyTemplate(binaries, data),
    catch: (cause) =>
      new DevstackError({
        component: "postgresql",
        problem: `no data folder could be made in ${data}`,
        nextStep: "Check its rights and the space on its disk",
        cause
      })
  })
