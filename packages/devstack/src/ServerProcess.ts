/**
 * One program run as a child: started, waited for until it is ready, stopped by signal, started again on the
 * same port and data. The child gets its own process group, so that a Ctrl-C in the terminal reaches only us and
 * servers go down last, after the programs that use them.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process"
import { appendFileSync, existsSync, readdirSync, readFileSync } from "node:fs"
import { Effect, Ref, type Scope } from "effect"
import { DevstackError } from "./DevstackError.ts"
import { waitUntil } from "./waitUntil.ts"

/** How to run and recognise one server. */
export interface ServerProcessOptions {
  /** The program's name in errors. */
  readonly component: string
  readonly command: string
  readonly args: ReadonlyArray<string>
  readonly env?: Readonly<Record<string, string>>
  /** The user and group to run as; only root may set them. */
  readonly runAs?: { readonly uid: number; readonly gid: number }
  /** The signal that asks for an orderly stop. */
  readonly stopSignal: NodeJS.Signals
  /** True for the output line that says the server takes connections; when absent, it need only have been started. */
  readonly isReady?: (line: string) => boolean
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
  /**
   * Freezes it and its child processes (SIGSTOP) and waits until all are frozen: it keeps its connections and answers
   * nothing.
   */
  readonly pause: Effect.Effect<void>
  /** Lets a frozen server go on (SIGCONT). */
  readonly resume: Effect.Effect<void>
}

const OUTPUT_LINES_KEPT = 40
/** The one thing that a child takes over from us: where Node keeps what it has compiled, half the work of its start. */
const COMPILE_CACHE: Readonly<Record<string, string>> =
  process.env.NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE }
const STOP_DEADLINE_MS = 15_000

const spawnUntilReady = (options: ServerProcessOptions): Effect.Effect<ChildProcess, DevstackError> =>
  Effect.callback<ChildProcess, DevstackError>((resume) => {
    const output: Array<string> = []
    const child = spawn(options.command, options.args, {
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
      cwd: "/",
      env: { ...COMPILE_CACHE, ...options.env },
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
    const ready = () => {
      clearTimeout(timer)
      resume(Effect.succeed(child))
    }
    const onLine = (line: string) => {
      output.push(line)
      if (options.logFile !== undefined) appendFileSync(options.logFile, `${line}\n`)
      if (output.length > OUTPUT_LINES_KEPT) output.shift()
      if (options.isReady?.(line) === true) ready()
    }
    if (options.isReady === undefined) child.once("spawn", ready)
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
  })

/** The signal takes effect some time after it was sent. Only Linux tells, thread by thread; elsewhere we trust. */
const isFrozen = (pid: number): boolean => {
  const threads = `/proc/${pid}/task`
  if (!existsSync(threads)) return true
  // One that has ended, and whose parent is too frozen to notice, does nothing either.
  return readdirSync(threads).every((thread) => /\) [TZX] /.test(readFileSync(`${threads}/${thread}/stat`, "utf8")))
}

const childrenOf = (pid: number): ReadonlyArray<number> =>
  execFileSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8" })
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number))
    .flatMap(([child, parent]) => (child !== undefined && parent === pid ? [child] : []))

const signalled = (pid: number, signal: NodeJS.Signals): boolean => {
  try {
    return process.kill(pid, signal)
  } catch {
    return false
  }
}

const awaitFrozen = (pid: number): Effect.Effect<void> =>
  waitUntil(
    `process ${pid} is frozen`,
    Effect.try({ try: () => isFrozen(pid), catch: () => "a thread ended meanwhile" })
  )

/** Freezes a process and its children, and notes each. The parent goes first, so that it makes no further children. */
const freezeFamily = Effect.fnUntraced(function* (parent: number, frozen: Ref.Ref<ReadonlyArray<number>>) {
  if (!signalled(parent, "SIGSTOP")) return
  yield* Ref.set(frozen, [parent])
  yield* awaitFrozen(parent)
  const children = childrenOf(parent).filter((child) => signalled(child, "SIGSTOP"))
  yield* Ref.set(frozen, [parent, ...children])
  yield* Effect.forEach(children, awaitFrozen, { discard: true })
})

/** Starts a server now and stops it when the scope closes. */
export const startServerProcess = Effect.fnUntraced(function* (
  options: ServerProcessOptions
): Effect.fn.Return<ServerProcess, DevstackError, Scope.Scope> {
  const current = yield* Ref.make<ChildProcess | undefined>(undefined)
  const frozen = yield* Ref.make<ReadonlyArray<number>>([])
  const resume = Effect.map(Ref.getAndSet(frozen, []), (pids) => {
    for (const pid of pids) signalled(pid, "SIGCONT")
  })
  const pause = Effect.gen(function* () {
    const pid = (yield* Ref.get(current))?.pid
    if (pid !== undefined) yield* freezeFamily(pid, frozen)
  }).pipe(Effect.onError(() => resume))
  const end = (name: NodeJS.Signals) =>
    Effect.gen(function* () {
      const child = yield* Ref.getAndSet(current, undefined)
      if (child === undefined) return
      // A frozen process takes no signal but SIGKILL until it goes on; nor do its children learn of its end.
      yield* Effect.all([endWith(child, name), resume], { concurrency: 2 })
    })
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
    pause,
    resume
  }
})
