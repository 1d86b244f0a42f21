/**
 * Processes that an earlier run left behind because it was killed itself. Each writes its process id into a file of its
 * folder; before the next start the process is stopped, but only when it really is the one that wrote the file.
 */
import { execFileSync } from "node:child_process"
import { existsSync, readFileSync, rmSync } from "node:fs"
import { Effect, Schedule } from "effect"

const commandOf = (pid: number): string => {
  try {
    return execFileSync("ps", ["-o", "args=", "-p", String(pid)], { encoding: "utf8" })
  } catch {
    return ""
  }
}

const STOP_PATIENCE = "10 seconds"

const pidIn = (pidFile: string): number | undefined => {
  const pid = existsSync(pidFile) ? Number.parseInt(readFileSync(pidFile, "utf8"), 10) : Number.NaN
  return Number.isInteger(pid) && pid > 1 ? pid : undefined
}

/**
 * Stops the process whose id stands in `pidFile`, when its command line contains `mark`; gives its id, or undefined
 * when there was none. `stopSignal` first, SIGKILL after ten seconds.
 */
export const stopLeftover = Effect.fnUntraced(function* (
  pidFile: string,
  mark: string,
  stopSignal: NodeJS.Signals = "SIGTERM"
) {
  const pid = pidIn(pidFile)
  const isRunning = () => pid !== undefined && commandOf(pid).includes(mark)
  const signal = (name: NodeJS.Signals) => Effect.ignore(Effect.try(() => process.kill(pid ?? 0, name)))
  if (pid === undefined || !isRunning()) {
    rmSync(pidFile, { force: true })
    return undefined
  }
  yield* signal(stopSignal)
  yield* Effect.sync(isRunning).pipe(
    Effect.repeat({ schedule: Schedule.spaced("50 millis"), while: (running) => running }),
    Effect.timeoutOrElse({ duration: STOP_PATIENCE, orElse: () => signal("SIGKILL") })
  )
  rmSync(pidFile, { force: true })
  return pid
})
