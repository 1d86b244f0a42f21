/**
 * One service of the platform as a process of its own, exactly as it is deployed: it gets its settings from the
 * environment, is ready when `/readyz` says so, and is stopped by SIGTERM. Its output goes to a log file.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { Deferred, Effect, Schedule, type Scope } from "effect"
import { DevError } from "./DevError.ts"

const repository = fileURLToPath(new URL("../..", import.meta.url))

export interface ServiceOptions {
  readonly name: string
  /** Entry file, from the repository's root. */
  readonly entry: string
  readonly env: Readonly<Record<string, string>>
  readonly readyUrl: string
  readonly logFile: string
  /** Holds the process id while the service runs, so that the next run finds what a killed one has left behind. */
  readonly pidFile: string
}

export interface RunningService {
  readonly name: string
  /** Fails when the service has ended without being asked to. */
  readonly ended: Effect.Effect<never, DevError>
}

const LOG_LINES_SHOWN = 8

const lastLines = (logFile: string): string =>
  readFileSync(logFile, "utf8").trimEnd().split("\n").slice(-LOG_LINES_SHOWN).join("\n")

const stop = (child: ChildProcess): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    if (child.exitCode !== null || child.signalCode !== null) return resume(Effect.void)
    child.once("exit", () => resume(Effect.void))
    child.kill("SIGTERM")
  })

const isReady = (url: string): Effect.Effect<boolean> =>
  Effect.promise(() =>
    fetch(url, { signal: AbortSignal.timeout(1_000) }).then(
      (response) => response.ok,
      () => false
    )
  )

/** Starts a service, waits until it is ready, and stops it when the scope closes. */
export const startService = Effect.fnUntraced(function* (
  options: ServiceOptions
): Effect.fn.Return<RunningService, DevError, Scope.Scope> {
  const ended = yield* Deferred.make<never, DevError>()
  const log = openSync(options.logFile, "a")
  const child = yield* Effect.acquireRelease(
    Effect.sync(() =>
      // A process group of its own: Ctrl-C reaches us alone, and we stop the services before the servers.
      spawn(process.execPath, ["--conditions=@bulkhead/source", join(repository, options.entry)], {
        env: { ...process.env, ...options.env },
        stdio: ["ignore", log, log],
        detached: true
      })
    ),
    (running) =>
      Effect.andThen(
        stop(running),
        Effect.sync(() => rmSync(options.pidFile, { force: true }))
      )
  )
  closeSync(log)
  writeFileSync(options.pidFile, String(child.pid))
  child.once("exit", (code, signal) => {
    const problem = `${options.name} ended (exit ${code ?? signal}). Its last lines:\n${lastLines(options.logFile)}\n`
    Deferred.doneUnsafe(ended, Effect.fail(new DevError({ problem, nextStep: `The whole log is ${options.logFile}` })))
  })
  const ready = isReady(options.readyUrl).pipe(
    Effect.repeat({ schedule: Schedule.spaced("50 millis"), until: (yes) => yes }),
    Effect.timeoutOrElse({
      duration: "60 seconds",
      orElse: () =>
        Effect.fail(
          new DevError({ problem: `${options.name} was not ready within 60 s`, nextStep: `Read ${options.logFile}` })
        )
    })
  )
  yield* Effect.raceFirst(ready, Deferred.await(ended))
  return { name: options.name, ended: Deferred.await(ended) }
})
