/**
 * `npm run test:packages`: packs every public package as it would be published, installs the tarballs in an empty project,
 * and looks whether each can be imported, whether its types compile for a stranger, and whether a bundle of one function
 * holds that function and little else.
 */
import { execFileSync, spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { build } from "rolldown"

const repository = join(import.meta.dirname, "..", "..", "..")
const QUIET = ["--no-audit", "--no-fund", "--loglevel=error"]
/** `isTenantSlug` and what it needs; the whole package is over ten times that. */
const SHAKEN_BYTES_MAX = 8_000

interface Manifest {
  readonly name: string
  readonly private?: boolean
  readonly bin?: object
  readonly exports?: Readonly<Record<string, unknown>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

const readManifest = (file: string): Manifest => JSON.parse(readFileSync(file, "utf8")) as Manifest
const say = (line: string) => console.log(`packages: ${line}`)

const packages = readdirSync(join(repository, "packages"))
  .map((folder) => ({ folder, manifest: readManifest(join(repository, "packages", folder, "package.json")) }))
  .filter(({ manifest }) => manifest.private !== true)
/** A command is installed, and not imported. */
const libraries = packages.filter(({ manifest }) => manifest.bin === undefined).map(({ manifest }) => manifest.name)

const run = (cwd: string, command: string, ...args: ReadonlyArray<string>) =>
  execFileSync(command, args, { cwd, stdio: ["ignore", "ignore", "inherit"] })

/** Name → tarball. */
const pack = (to: string): Readonly<Record<string, string>> => {
  mkdirSync(to)
  const names = packages.flatMap(({ manifest }) => ["--workspace", manifest.name])
  run(repository, "npm", "pack", ...names, "--pack-destination", to, ...QUIET)
  const tarballs = readdirSync(to)
  return Object.fromEntries(
    packages.map(({ manifest: { name } }) => {
      const start = `${name.replace("@", "").replace("/", "-")}-`
      const tarball = tarballs.find((file) => file.startsWith(start) && /^\d/.test(file.slice(start.length)))
      if (tarball === undefined) throw new Error(`npm packed no tarball of ${name}`)
      return [name, `file:${join(to, tarball)}`]
    })
  )
}

const install = (project: string, tarballs: Readonly<Record<string, string>>): void => {
  const { effect = "" } = (
    JSON.parse(readFileSync(join(repository, "package.json"), "utf8")) as {
      readonly devDependencies: Readonly<Record<string, string>>
    }
  ).devDependencies
  const dependencies = { ...tarballs, effect }
  // The packages name each other by version, and none is in a registry yet.
  const manifest = { private: true, type: "module", dependencies, overrides: tarballs }
  writeFileSync(join(project, "package.json"), JSON.stringify(manifest))
  run(project, "npm", "install", "--omit=optional", ...QUIET)
}

/** Every entry that is published: `@bulkhead/core/api`, too. */
const importAll = (project: string): void => {
  const lines = libraries.map(
    (name) => `const { length } = Object.keys(await import("${name}"))
if (length === 0) throw new Error("${name} exports nothing")`
  )
  writeFileSync(join(project, "imports.js"), lines.map((line) => `{\n${line}\n}`).join("\n"))
  run(project, process.execPath, "imports.js")
}

const compileTypes = (project: string): void => {
  const lines = libraries.map((name, index) => `import * as p${index} from "${name}"`)
  const used = libraries.map((_, index) => `p${index}`).join(", ")
  writeFileSync(join(project, "types.ts"), `${lines.join("\n")}\nexport const all: ReadonlyArray<object> = [${used}]\n`)
  const compilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true,
    module: "nodenext",
    target: "es2024",
    noEmit: true,
    skipLibCheck: false,
    types: []
  }
  writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["types.ts"] }))
  const { stdout } = spawnSync("tsc", ["-p", project, "--pretty", "false"], { encoding: "utf8" })
  // Declarations of other packages have faults of their own under these options; ours and the stranger's use may not.
  const problems = stdout
    .split("\n")
    .filter((line) => line.includes("error TS") && !/^\S*node_modules\/(?!@bulkhead\/)\S*\(\d/.test(line))
  if (problems.length > 0) throw new Error(`the types do not compile for a stranger:\n${problems.join("\n")}`)
}

const shake = async (project: string): Promise<number> => {
  writeFileSync(join(project, "one.js"), 'export { isTenantSlug } from "@bulkhead/channels"\n')
  const file = join(project, "shaken.js")
  await build({
    cwd: project,
    input: "one.js",
    platform: "neutral",
    output: { file, minify: true },
    logLevel: "silent"
  })
  return statSync(file).size
}

const project = mkdtempSync(join(tmpdir(), "bulkhead-packages-"))
try {
  const tarballs = pack(join(project, "tarballs"))
  say(`${Object.keys(tarballs).length} tarballs packed`)
  install(project, tarballs)
  importAll(project)
  say(`${libraries.length} packages imported`)
  compileTypes(project)
  say("their types compile")
  const bytes = await shake(project)
  if (bytes > SHAKEN_BYTES_MAX) {
    throw new Error(
      `isTenantSlug alone is ${bytes} bytes; over ${SHAKEN_BYTES_MAX}: something has an effect when imported`
    )
  }
  say(`isTenantSlug alone is ${bytes} bytes`)
  say("ok")
} finally {
  rmSync(project, { recursive: true, force: true })
}
