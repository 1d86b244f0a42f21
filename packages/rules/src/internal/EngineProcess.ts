/**
 * One process of the engine, seen from the service. It answers one task at a time; one that is late is killed, and so is
 * the process of a task that nobody waits for any more.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import { MEMORY_BYTES_MAX, RULES_KEPT_MAX } from "./limits.ts"
import type { EngineAnswer, EngineRule, EngineTask, RuleOutcome } from "./protocol.ts"

/** A rule with its text, which is sent to a process once. */
export interface RuleWithContent extends EngineRule {
  readonly content: string
}

/** Why there is no answer. */
export interface NoAnswer {
  readonly problem: string
}

/** Sources run from TypeScript, a build from JavaScript. */
const ENTRY = fileURLToPath(
  new URL(import.meta.url.endsWith(".ts") ? "./engineMain.ts" : "./engineMain.js", import.meta.url)
)

/** Beyond it a machine is too busy to start a process. */
const START_TIMEOUT_MS = 30_000

const NODE_OPTIONS = ["--conditions=@bulkhead/source", "--max-old-space-size=256"]

/** The shell sets the limit, which Node cannot; `exec` makes the process the shell's own. */
const start = (): ChildProcess =>
  spawn(
    "/bin/sh",
    ["-c", `ulimit -d ${MEMORY_BYTES_MAX / 1024}; exec "$@"`, "sh", process.execPath, ...NODE_OPTIONS, ENTRY],
    // Nothing of the service's environment, in which credentials may stand. A proxy that is none keeps rules off the
    // network should the engine ever ask for it by itself.
    {
      env: { HTTP_PROXY: "http://127.0.0.1:9", HTTPS_PROXY: "http://127.0.0.1:9" },
      stdio: ["ignore", "ignore", "ignore", "ipc"],
      serialization: "advanced"
    }
  )

export class EngineProcess {
  readonly #child = start()
  /** The text by which a key is known: one that was deleted and made anew begins with revision 1 again. */
  readonly #known = new Map<string, string>()
  #isReady = false
  #end: string | undefined
  /** Told of the next answer, or of the end. */
  #waiting: ((answer: EngineAnswer | NoAnswer) => void) | undefined

  constructor() {
    this.#child.on("message", (answer) => this.#settle(answer as EngineAnswer))
    this.#child.on("error", (error) => this.#ended(`its process did not start: ${error.message}`))
    this.#child.on("exit", (code, signal) => this.#ended(`its process ended (${signal ?? `exit code ${code}`})`))
  }

  get isUsable(): boolean {
    return this.#end === undefined
  }

  kill(): void {
    this.#ended("its process was stopped")
    this.#child.kill("SIGKILL")
  }

  /** The outcomes, one a message; or why there are none, and then the process is gone. */
  async run(
    rules: ReadonlyArray<RuleWithContent>,
    messages: ReadonlyArray<Uint8Array>,
    timeoutMs: number
  ): Promise<ReadonlyArray<RuleOutcome> | NoAnswer> {
    if (!this.#isReady) {
      const ready = await this.#answer(START_TIMEOUT_MS)
      if (ready !== "ready") return ready as NoAnswer
      this.#isReady = true
    }
    const answer = this.#answer(timeoutMs)
    this.#child.send(this.#taskOf(rules, messages), (error) => {
      if (error !== null) this.#ended(`its process takes no task: ${error.message}`)
    })
    return (await answer) as ReadonlyArray<RuleOutcome> | NoAnswer
  }

  #taskOf(rules: ReadonlyArray<RuleWithContent>, messages: ReadonlyArray<Uint8Array>): EngineTask {
    const forget = this.#known.size >= RULES_KEPT_MAX
    if (forget) this.#known.clear()
    const steps = rules.map(({ content, ...rule }) =>
      this.#known.get(rule.key) === content ? rule : { ...rule, content }
    )
    for (const { key, content } of rules) this.#known.set(key, content)
    return { forget, rules: steps, messages }
  }

  #answer(timeoutMs: number): Promise<EngineAnswer | NoAnswer> {
    return new Promise((resolve) => {
      if (this.#end !== undefined) return resolve({ problem: this.#end })
      const timer = setTimeout(() => {
        this.#ended(`it took longer than ${timeoutMs} ms, the limit`)
        this.#child.kill("SIGKILL")
      }, timeoutMs)
      this.#waiting = (answer) => {
        clearTimeout(timer)
        resolve(answer)
      }
    })
  }

  #settle(answer: EngineAnswer | NoAnswer): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    if (waiting !== undefined) waiting(answer)
    else if (answer === "ready") this.#isReady = true
  }

  /** The first end counts: the following ones are its consequences. */
  #ended(problem: string): void {
    if (this.#end !== undefined) return
    this.#end = problem
    this.#settle({ problem })
  }
}
