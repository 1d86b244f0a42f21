#!/usr/bin/env node
// The one entry point of every root command. It runs on whatever Node 18 or newer the machine has, installs what the
// lockfile names when that has changed, and hands over to the Node 24 that came with it. No dependency of its own.
import { spawn, spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { delimiter, dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const bin = join(root, "node_modules", ".bin")
const node = join(bin, "node")
const compileCache = join(root, ".bulkhead", "compile-cache")
const source = "--conditions=@bulkhead/source"
const nodeMajor = Number(process.versions.node.split(".")[0])
/** From here on npm leaves nothing out. */
const NODE_MAJOR_FOR_NPM = 22

/** What each command runs, in order; a task that fails ends the command. `...` stands for the caller's arguments. */
const commands = {
  dev: [[node, source, "dev/src/main.ts", "..."]],
  smoke: [[node, source, "dev/src/smoke.ts", "..."]],
  test: [
    [node, source, "packages/devstack/src/prepare.ts"],
    ["vitest", "run", "..."]
  ],
  bench: [[node, source, "bench/run.ts", "..."]],
  attacks: [[node, source, "attacks/src/main.ts", "..."]],
  faults: [[node, source, "faults/src/main.ts", "..."]],
  prove: [[node, source, "dev/src/prove.ts", "..."]],
  bulkhead: [[node, source, "packages/cli/src/main.ts", "..."]],
  "rehearse:migration": [[node, source, "dev/src/rehearseMigration.ts"]],
  fuzz: [[node, source, "packages/records/scripts/fuzz.ts", "..."]],
  generate: [
    [node, source, "packages/records/scripts/generate.ts"],
    [node, source, "packages/cli/scripts/generate.ts"],
    [node, source, "dev/scripts/generate.ts"]
  ],
  images: [[node, source, "deploy/src/images/main.ts", "..."]],
  "e2e:edge": [[node, source, "dev/src/e2eEdge.ts"]],
  "e2e:compose": [[node, source, "deploy/src/e2e/main.ts"]],
  "test:helm": [[node, source, "deploy/src/helm/main.ts"]],
  lint: [["biome", "check", "--error-on-warnings", "."]],
  "lint-fix": [["biome", "check", "--write", "."]],
  types: [["tsc", "-p", "tsconfig.json"]],
  build: [["turbo", "run", "build", "--output-logs=errors-only"]],
  get "test:packages"() {
    return [...this.build, [node, source, "deploy/src/packages/main.ts"]]
  },
  get check() {
    return [...this.lint, ...this.types, ...this.build]
  }
}

const fail = (message) => {
  console.error(`bulkhead: ${message}`)
  process.exit(1)
}

const npm = (args, environment = process.env) => {
  const quiet = ["--no-audit", "--no-fund", "--loglevel=error"]
  const { status } = spawnSync("npm", [...args, ...quiet], { cwd: root, stdio: "inherit", env: environment })
  if (status !== 0) {
    fail(`npm ${args[0]} failed: its own message is above. Check that npm reaches its registry, then run this again`)
  }
}

const withFirst = (folder) => ({ ...process.env, PATH: `${folder}${delimiter}${process.env.PATH}` })

/**
 * npm leaves out optional packages that its own Node is too old for, native parts of the tools among them. So where the
 * machine's Node is old, npm itself runs on Node 24, which is fetched apart for this once.
 */
const install = () => {
  if (nodeMajor >= NODE_MAJOR_FOR_NPM) return npm(["ci"])
  const { devDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"))
  const first = join(root, ".bulkhead", "first-node")
  mkdirSync(first, { recursive: true })
  npm(["install", "--prefix", first, "--no-save", "--no-package-lock", `node@${devDependencies.node}`])
  npm(["ci"], withFirst(join(first, "node_modules", ".bin")))
  rmSync(first, { recursive: true, force: true })
}

const installWhenNeeded = () => {
  const lockfile = readFileSync(join(root, "package-lock.json"))
  const wanted = createHash("sha256").update(lockfile).digest("hex")
  const stamp = join(root, "node_modules", ".bulkhead-installed")
  if (existsSync(stamp) && existsSync(node) && readFileSync(stamp, "utf8") === wanted) return
  console.error("bulkhead: installing packages and Node 24 (about half a minute, only when the lockfile changed) …")
  install()
  if (!existsSync(node)) {
    fail(
      'Node 24 is missing: its install script did not run. Allow it (npm config "ignore-scripts") and run this again'
    )
  }
  writeFileSync(stamp, wanted)
}

const runTask = (task, callerArguments) =>
  new Promise((resolve) => {
    const [command, ...args] = task.flatMap((part) => (part === "..." ? callerArguments : [part]))
    const child = spawn(command, args, {
      cwd: root,
      stdio: "inherit",
      // Services and tests start many Node processes: what V8 has compiled once is half of such a start.
      env: { NODE_COMPILE_CACHE: compileCache, ...withFirst(bin), TURBO_TELEMETRY_DISABLED: "1" }
    })
    // Ctrl-C reaches the child by itself, as it shares our terminal; we stay until it has cleaned up.
    const forward = (signal) => child.kill(signal)
    process.on("SIGINT", () => {})
    process.on("SIGTERM", forward)
    child.once("error", (error) => fail(`${command}: ${error.message}`))
    child.once("exit", (code, signal) => {
      process.off("SIGTERM", forward)
      resolve(signal === null ? code : 1)
    })
  })

if (nodeMajor < 18) {
  fail(
    `Node ${process.versions.node} is too old: 18 or newer starts this, and Node 24 is then installed for the project`
  )
}
const [name, ...callerArguments] = process.argv.slice(2)
const tasks = commands[name]
if (tasks === undefined) fail(`unknown command "${name}": one of ${Object.keys(commands).join(", ")}`)
installWhenNeeded()
for (const task of tasks) {
  const code = await runTask(task, callerArguments)
  if (code !== 0) process.exit(code)
}
