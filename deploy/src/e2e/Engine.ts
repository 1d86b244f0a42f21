/**
 * A container engine: the machine's own where it has one, else a `dockerd` on a socket in a temporary folder, from Debian's
 * packages where they can be installed. Where there is none to be had, the reason is given instead.
 */
import { execFileSync, spawn, spawnSync } from "node:child_process"
import { mkdtempSync, openSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout } from "node:timers/promises"

export interface Engine {
  /** Runs `docker`, gives what it prints. */
  readonly docker: (args: ReadonlyArray<string>, input?: Uint8Array) => string
  /** Runs `docker compose`, or what stands for it. Its output is shown. */
  readonly compose: (args: ReadonlyArray<string>, env: Readonly<Record<string, string>>) => void
  /** Undefined where it is the machine's own engine. */
  readonly socket: string | undefined
  readonly stop: () => Promise<void>
}

/** Why there is no engine. */
export class NoEngine extends Error {}

const has = (command: string, ...args: ReadonlyArray<string>): boolean => spawnSync(command, args).status === 0

const PACKAGES = ["docker.io", "docker-compose", "iptables"]

const install = (): void => {
  if (has("dockerd", "--version") && composeCommand() !== undefined) return
  if (process.getuid?.() !== 0) throw new NoEngine("only root can install and start one")
  if (!has("apt-get", "--version")) throw new NoEngine("there is no dockerd, and no apt-get to install it with")
  console.log(`e2e: installing ${PACKAGES.join(", ")}`)
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" }
  spawnSync("apt-get", ["update", "-qq"], { env })
  const { status, stderr } = spawnSync("apt-get", ["install", "-qq", "--no-install-recommends", ...PACKAGES], {
    env,
    encoding: "utf8"
  })
  if (status !== 0) throw new NoEngine(`apt-get could not install it: ${stderr.trim().split("\n").at(-1)}`)
}

const composeCommand = (): ReadonlyArray<string> | undefined => {
  if (has("docker", "compose", "version")) return ["docker", "compose"]
  return has("docker-compose", "version") ? ["docker-compose"] : undefined
}

const START_TRIES = 60

/** What runs commands against an engine; without a socket, against the one that is there. */
const engineAt = (socket: string | undefined, stop: () => Promise<void>): Engine => {
  const [compose = "docker", ...composeArgs] = composeCommand() ?? []
  // The legacy builder is enough for one stage, and needs no plugin.
  const env = { ...process.env, DOCKER_BUILDKIT: "0", ...(socket === undefined ? {} : { DOCKER_HOST: socket }) }
  return {
    docker: (args, input) =>
      execFileSync("docker", args, {
        env,
        encoding: "utf8",
        maxBuffer: 64 * 1024 * 1024,
        stdio: ["pipe", "pipe", "inherit"],
        ...(input === undefined ? {} : { input })
      }),
    compose: (args, own) => {
      execFileSync(compose, [...composeArgs, ...args], {
        env: { ...env, ...own },
        stdio: ["ignore", "ignore", "inherit"]
      })
    },
    socket,
    stop
  }
}

const startDaemon = async (): Promise<Engine> => {
  const folder = mkdtempSync(join(tmpdir(), "bulkhead-engine-"))
  const at = (name: string) => join(folder, name)
  const socket = `unix://${at("docker.sock")}`
  const log = openSync(at("dockerd.log"), "a")
  const args = ["--host", socket, "--data-root", at("data"), "--exec-root", at("exec"), "--pidfile", at("pid")]
  const daemon = spawn("dockerd", args, { stdio: ["ignore", log, log] })
  const ended = new Promise<void>((resolve) => daemon.once("exit", () => resolve()))
  const stop = async () => {
    daemon.kill("SIGTERM")
    await ended
    rmSync(folder, { recursive: true, force: true })
  }
  for (let tries = 0; !has("docker", "--host", socket, "info"); tries += 1) {
    if (daemon.exitCode !== null || tries === START_TRIES) {
      const lines = execFileSync("tail", ["-n", "2", at("dockerd.log")], { encoding: "utf8" })
      await stop()
      throw new NoEngine(`dockerd does not start here: ${lines.trim()}`)
    }
    await setTimeout(500)
  }
  return engineAt(socket, stop)
}

/** The engine that is there, or one of this run's own; `NoEngine` says why there is none. */
export const startEngine = async (): Promise<Engine> => {
  if (has("docker", "info") && composeCommand() !== undefined) return engineAt(undefined, async () => {})
  install()
  return startDaemon()
}
