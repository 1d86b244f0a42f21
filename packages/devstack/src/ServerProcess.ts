/**
 * One server binary run as a child: started, waited for until it is ready, stopped by signal, started again on the
 * same port and data. The child gets its own process group, so that a Ctrl-C in the terminal reaches only us and
 * servers go down last, after the programs that use them.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { appendFileSync, existsSync, readdirSync, readFileSync } from "node:fs"
import { Effect, Ref, type Scope } from "effect"
import { DevstackError } from "./DevstackError.ts"
import { waitUntil } from "./waitUntil.ts"

/** How to run and recognise one server. */
export interface ServerProcessOptions {
  readonly component: "nats-server" | "postgresql"
  readonly command: string
  readonly args: ReadonlyArray<string>
  readonly env?: Readonly<Record<string, string>>
  /** The user and group to run as; only root may set them. */
  readonly runAs?: { readonly uid: number; readonly gid: number }
  /** The signal that asks for an orderly stop. */
  readonly stopSignal: NodeJS.Signals
  /** True for the output line that says the server takes connections. */
  readonly isReady: (line: string) => boolean
  /** File that gets the output, appended. */
  readonly logFile?: string
  /** How long to wait for that line, milliseconds. */
  readonly readyTimeoutMs?: number
}

/** A running server and the faults a test may want to inflict on it. */
export interface ServerProcess {
  readonly pid: Effect.Effect<number | undefined>
  /** Starts it again after `stop` or `kill`; succeeds when it is ready. */
  readonly start: Effect.Effect<void, DevstackError>
  /** Asks for an orderly stop and waits for the exit; forced after 15 s. */
  readonly stop: Effect.Effect<void>
  /** Ends it at once (SIGKILL), as a crash would, and waits for the exit. */
  readonly kill: Effect.Effect<void>
  /** Freezes it (SIGSTOP) and waits until it is frozen: it keeps its connections and answers nothing. */
  readonly pause: Effect.Effect<void>
  /** Lets a frozen server go on (SIGCONT). */
  readonly resume: Effect.Effect<void>
}

const OUTPUT_LINES_KEPT = 40
const STOP_DEADLINE_MS = 15_000

const spawnUntilReady = (options: ServerProcessOptions): Effect.Effect<ChildProcess, DevstackError> =>
  Effect.callback<ChildProcess, DevstackError>((resume) => {
    const output: Array<string> = []
    const child = spawn(options.command, options.args, {
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
      cwd: "/",
      env: { ...options.env },
      ...(options.runAs ?? {})
    })
    running.add(child)
    child.once("exit", () => running.delete(child))
    const fail = (problem: string, cause?: unknown) =>
      resume(
        Effect.fail(
          new DevstackError({
            component: options.component,
            problem,
            nextStep:
              output.length > 0
                ? `Its last output:\n${output.slice(-10).join("\n")}`
                : `Run it by hand: ${options.command}`,
            cause
          })
        )
      )
    const timeoutMs = options.readyTimeoutMs ?? 20_000
    const timer = setTimeout(() => {
      child.kill("SIGKILL")
      fail(`was not ready within ${timeoutMs} ms`)
    }, timeoutMs)
    const onLine = (line: string) => {
      output.push(line)
      if (options.logFile !== undefined) appendFileSync(options.logFile, `${line}\n`)
      if (output.length > OUTPUT_LINES_KEPT) output.shift()
      if (options.isReady(line)) {
        clearTimeout(timer)
        resume(Effect.succeed(child))
      }
    }
    for (const stream of [child.stdout, child.stderr]) {
      let rest = ""
      stream.setEncoding("utf8").on("data", (text: string) => {
        const lines = (rest + text).split("\n")
        rest = lines.pop() ?? ""
        lines.forEach(onLine)
      })
      stream.once("end", () => rest !== "" && onLine(rest))
    }
    child.once("error", (cause) => {
      clearTimeout(timer)
      fail(`could not be started (${options.command})`, cause)
    })
    // Not "exit": its last words may still be on the way.
    child.once("close", (code, signal) => {
      clearTimeout(timer)
      fail(`ended before it was ready (exit ${code ?? signal})`)
    })
    return Effect.sync(() => {
      clearTimeout(timer)
      child.kill("SIGKILL")
    })
  })

/** A process that ends without closing its scopes, as a test runner does after a timeout, takes its servers along. */
const running = new Set<ChildProcess>()
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL")
})

const hasExited = (child: ChildProcess) => child.exitCode !== null || child.signalCode !== null

const endWith = (child: ChildProcess, signal: NodeJS.Signals): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    if (hasExited(child)) return resume(Effect.void)
    const force = setTimeout(() => child.kill("SIGKILL"), STOP_DEADLINE_MS)
    child.once("exit", () => {
      clearTimeout(force)
      resume(Effect.void)
    })
    child.kill(signal)
    // A frozen process takes no signal but SIGKILL until it goes on.
    child.kill("SIGCONT")
  })

/** The signal takes effect some time after it was sent. Only Linux tells, thread by thread; elsewhere we trust. */
const isFrozen = (pid: number): boolean => {
  const threads = `/proc/${pid}/task`
  if (!existsSync(threads)) return true
  return readdirSync(threads).every((thread) => /\) T /.test(readFileSync(`${threads}/${thread}/stat`, "utf8")))
}

const freeze = (child: ChildProcess): Effect.Effect<void> => {
  const { pid } = child
  if (pid === undefined || !child.kill("SIGSTOP")) return Effect.void
  return waitUntil("frozen", Effect.try({ try: () => isFrozen(pid), catch: () => "a thread ended meanwhile" }))
}

/** Starts a server now and stops it when the scope closes. */
export const startServerProcess = Effect.fnUntraced(function* (
  options: ServerProcessOptions
): Effect.fn.Return<ServerProcess, DevstackError, Scope.Scope> {
  const current = yield* Ref.make<ChildProcess | undefined>(undefined)
  const signal = (name: NodeJS.Signals) => Effect.map(Ref.get(current), (child) => void child?.kill(name))
  const end = (name: NodeJS.Signals) =>
    Effect.flatMap(Ref.getAndSet(current, undefined), (child) =>
      child === undefined ? Effect.void : endWith(child, name)
    )
  const start = Effect.gen(function* () {
    const child = yield* Ref.get(current)
    if (child !== undefined && !hasExited(child)) return
    yield* Ref.set(current, yield* spawnUntilReady(options))
  })
  yield* Effect.acquireRelease(start, () => end(options.stopSignal))
  return {
    pid: Effect.map(Ref.get(current), (child) => child?.pid),
    start,
    stop: end(options.stopSignal),
    kill: end("SIGKILL"),
    pause: Effect.flatMap(Ref.get(current), (child) => (child === undefined ? Effect.void : freeze(child))),
    resume: signal("SIGCONT")
  }
})
