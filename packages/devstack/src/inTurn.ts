/**
 * One process at a time: two test suites that want the same binary shall not build it twice.
 */
import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Effect, Schedule } from "effect"

const LOOK_EVERY = "200 millis"
/** Within this time whoever made a lock has written its id into it. */
const WRITTEN_WITHIN_MS = 5_000

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // It is somebody else's process.
    return (error as NodeJS.ErrnoException).code === "EPERM"
  }
}

/** Its holder was killed. */
const isAbandoned = (file: string): boolean => {
  try {
    const holder = Number(readFileSync(file, "utf8"))
    return holder > 0 ? !isAlive(holder) : Date.now() - statSync(file).mtimeMs > WRITTEN_WITHIN_MS
  } catch {
    // It was given back just now.
    return false
  }
}

/** Takes the lock; false while somebody has it. */
const tryToTake = (file: string): boolean => {
  try {
    writeFileSync(file, String(process.pid), { flag: "wx" })
    return true
  } catch {
    if (isAbandoned(file)) rmSync(file, { force: true })
    return false
  }
}

/** Does the work while no other process, and no other fiber of this one, does its work in the same folder. */
export const inTurn = <A, E, R>(folder: string, work: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> => {
  const file = join(folder, "lock")
  return Effect.acquireUseRelease(
    Effect.repeat(
      Effect.sync(() => tryToTake(file)),
      { schedule: Schedule.spaced(LOOK_EVERY), until: (taken) => taken }
    ),
    () => work,
    () => Effect.sync(() => rmSync(file, { force: true }))
  )
}
