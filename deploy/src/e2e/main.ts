/**
 * `npm run e2e:compose`: builds base images and images, starts the profile `multi-tenant`, and looks whether each tenant has
 * rows of each kind, none of another's, and goes on after a restart of every container; whether a second start makes
 * nothing anew. A skip that says why where no engine can be had.
 */
import { execFileSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { freePort } from "@bulkhead/devstack"
import { Effect, Redacted } from "effect"
import { makeBaseImages } from "./baseImages.ts"
import { type Engine, NoEngine, startEngine } from "./Engine.ts"
import { type Count, countRows } from "./rows.ts"

const TAG = "e2e"
const PROJECT = "bulkhead-e2e"
const TRIES = 600
const PERIOD_MS = 500
const composeFolder = fileURLToPath(new URL("../../compose", import.meta.url))
const imagesMain = fileURLToPath(new URL("../images/main.ts", import.meta.url))

/** What runs for good, in the order in which each is restarted; `load` is what the check itself needs. */
const services = [
  "postgres",
  "nats",
  "account-signer",
  "core",
  "zen-consumer",
  "netflow-consumer",
  "edge-acme",
  "edge-globex",
  "edge-initech",
  "poller"
] as const

const say = (line: string) => console.log(`e2e: ${line}`)

/** Asks until the answer is yes; the last one is shown when it never is. */
const waitFor = async <A>(what: string, ask: () => Promise<A>, isGood: (answer: A) => boolean): Promise<A> => {
  let answer: A | undefined
  for (let tries = 0; tries < TRIES; tries += 1) {
    try {
      answer = await ask()
      if (isGood(answer)) return answer
    } catch {
      // A server that restarts does not answer.
    }
    await setTimeout(PERIOD_MS)
  }
  throw new Error(`${what}: not within ${(TRIES * PERIOD_MS) / 1_000} s; at last ${JSON.stringify(answer)}`)
}

const buildImages = (engine: Engine, base: string): void => {
  execFileSync(process.execPath, [...process.execArgv, imagesMain], {
    env: {
      ...process.env,
      BASE_IMAGE: base,
      IMAGE_TAG: TAG,
      DOCKER_BUILDKIT: "0",
      ...(engine.socket === undefined ? {} : { DOCKER_HOST: engine.socket })
    },
    stdio: ["ignore", "ignore", "ignore"]
  })
}

class Stack {
  readonly engine: Engine
  readonly environment: Readonly<Record<string, string>>
  readonly secrets = mkdtempSync(join(tmpdir(), "bulkhead-e2e-"))

  constructor(engine: Engine, environment: Readonly<Record<string, string>>) {
    this.engine = engine
    execFileSync(join(composeFolder, "make-secrets.sh"), [this.secrets])
    this.environment = { ...environment, SECRETS_FOLDER: this.secrets, IMAGE_TAG: TAG, COMPOSE_PROJECT_NAME: PROJECT }
  }

  compose(...args: ReadonlyArray<string>): void {
    const file = join(composeFolder, "compose.yaml")
    this.engine.compose(["--file", file, "--profile", "multi-tenant", ...args], this.environment)
  }

  /** A field of a service's container. */
  inspect(service: string, format: string): string {
    const label = (name: string, value: string) => ["--filter", `label=com.docker.compose.${name}=${value}`]
    const ids = this.engine.docker([
      "ps",
      "--all",
      "--quiet",
      ...label("project", PROJECT),
      ...label("service", service)
    ])
    return this.engine.docker(["inspect", "--format", format, ids.trim()]).trim()
  }

  logs(service: string): string {
    return this.engine.docker(["logs", this.inspect(service, "{{.Id}}")])
  }

  address(service: string): string {
    const [address = ""] = this.inspect(service, "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}").split(" ")
    return address
  }

  rows(): Promise<ReadonlyArray<Count>> {
    const password = readFileSync(join(this.secrets, "postgres-password"), "utf8").trim()
    return countRows(Redacted.make(`postgres://postgres:${password}@${this.address("postgres")}:5432/bulkhead`))
  }

  remove(): void {
    this.compose("down", "--volumes", "--timeout", "30")
    rmSync(this.secrets, { recursive: true, force: true })
  }
}

const leaked = (counts: ReadonlyArray<Count>) => counts.filter(({ foreign }) => foreign > 0)

/** Waits until each tenant has more rows of each kind than `before`, and none of another's. */
const awaitRows = async (stack: Stack, before: ReadonlyArray<Count>): Promise<ReadonlyArray<Count>> => {
  const ownBefore = (index: number) => before[index]?.own ?? 0
  const counts = await waitFor(
    "rows of each kind for each tenant",
    () => stack.rows(),
    (counts) => leaked(counts).length > 0 || counts.every(({ own }, index) => own > ownBefore(index))
  )
  const [leak] = leaked(counts)
  if (leak === undefined) return counts
  throw new Error(`an open wall: ${leak.foreign} rows of others in ${leak.table} of ${leak.tenant}. Do not deploy this`)
}

const awaitHealthy = (stack: Stack, service: string) =>
  waitFor(
    `${service} healthy`,
    async () => stack.inspect(service, "{{if .State.Health}}{{.State.Health.Status}}{{else}}{{.State.Status}}{{end}}"),
    (status) => status === "healthy" || status === "running"
  )

/** Core leans against the walls itself, between two tenants of its own. */
const awaitCanary = async (stack: Stack): Promise<void> => {
  const rounds = (metrics: string, outcome: string) =>
    Number(new RegExp(`canary_rounds_total\\{outcome="${outcome}"[^}]*} (\\d+)`).exec(metrics)?.[1] ?? 0)
  const metrics = await waitFor(
    "a round of the isolation canary",
    async () => (await fetch(`http://${stack.address("core")}:9090/metrics`)).text(),
    (text) => rounds(text, "held") + rounds(text, "open") > 0
  )
  if (rounds(metrics, "open") > 0) throw new Error("an open wall: the isolation canary got through. Do not deploy this")
}

const restartEach = async (stack: Stack, first: ReadonlyArray<Count>): Promise<void> => {
  let counts = first
  for (const service of services) {
    stack.compose("restart", "--timeout", "30", service)
    await awaitHealthy(stack, service)
    counts = await awaitRows(stack, counts)
    say(`${service} restarted: rows of each kind go on for each tenant`)
  }
}

/** The one-shots run once more beside the running platform. */
const startAgain = (stack: Stack): void => {
  stack.compose("up", "--detach", "--force-recreate", "--no-deps", "bootstrap")
  const code = stack.engine.docker(["wait", stack.inspect("bootstrap", "{{.Id}}")]).trim()
  const logs = stack.logs("bootstrap")
  if (code !== "0" || !logs.includes("all credentials are good")) throw new Error(`bootstrap did not repeat: ${logs}`)
}

const tryPlatform = async (stack: Stack): Promise<void> => {
  say("starting the profile multi-tenant")
  stack.compose("up", "--detach")
  const counts = await awaitRows(stack, [])
  for (const { tenant, table, own, foreign } of counts)
    say(`${tenant} ${table}: ${own} of its own, ${foreign} of others`)
  await awaitCanary(stack)
  say("isolation canary: every wall held")
  await restartEach(stack, counts)
  startAgain(stack)
  say("bootstrap once more: the same operator, all credentials good")
}

const run = async (engine: Engine): Promise<void> => {
  say("building base images and images")
  const base = await makeBaseImages(engine)
  buildImages(engine, base.node)
  const [core, nats, syslog, otlp] = await Effect.runPromise(Effect.all([freePort, freePort, freePort, freePort]))
  const stack = new Stack(engine, {
    NATS_IMAGE: base.nats,
    POSTGRES_IMAGE: base.postgres,
    CORE_PORT: String(core),
    NATS_PORT: String(nats),
    SYSLOG_PORT: String(syslog),
    OTLP_HTTP_PORT: String(otlp)
  })
  try {
    await tryPlatform(stack)
  } finally {
    stack.remove()
  }
}

try {
  const engine = await startEngine()
  try {
    await run(engine)
    say("ok")
  } finally {
    await engine.stop()
  }
} catch (error) {
  if (!(error instanceof NoEngine)) throw error
  say(`SKIPPED, there is no container engine: ${error.message}`)
}
