/**
 * Keeps a folder for one process, by a file that names the process. A lock is stale when its process is gone, also where
 * another has its number since; then it is taken over. Processes in other containers cannot be seen: they must not share
 * a folder.
 */
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Effect, Schema } from "effect"

/** Another process has the folder. */
export class FolderTaken extends Schema.TaggedError<FolderTaken>("@bulkhead/edge-collector/FolderTaken")(
  "FolderTaken",
  {
    folder: Schema.String,
    pid: Schema.Finite
  }
) {
  readonly isRetryable = false
  override get message(): string {
    return (
      `EDGE_BUFFER_FOLDER="${this.folder}" is in use by process ${this.pid}. ` +
      "Stop that one, or give this one a folder of its own"
    )
  }
}

const Holder = Schema.fromJsonString(Schema.Struct({ pid: Schema.Int, birth: Schema.String }))
type Holder = typeof Holder.Type

const textOf = (path: string): string | undefined => {
  try {
    return readFileSync(path, "utf8")
  } catch {
    return undefined
  }
}

/** Says one life of a process number from another, where the system tells: the machine's start and the process's. */
const birthOf = (pid: number): string => {
  const fields = textOf(`/proc/${pid}/stat`)?.replace(/^.*\)/s, "").trim().split(" ")
  return `${textOf("/proc/sys/kernel/random/boot_id")?.trim() ?? ""} ${fields?.[19] ?? ""}`
}

const isRunning = ({ pid, birth }: Holder): boolean => {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EPERM")) return false
  }
  return birthOf(pid) === birth
}

const holderIn = (text: string): Holder | undefined => {
  const decoded = Schema.decodeUnknownOption(Holder)(text)
  return decoded._tag === "Some" ? decoded.value : undefined
}

/** Gives the process that has the folder, or undefined: it is ours. */
const tryLock = (folder: string): number | undefined => {
  const lock = join(folder, "lock")
  const own = join(folder, `lock.${process.pid}`)
  writeFileSync(own, JSON.stringify({ pid: process.pid, birth: birthOf(process.pid) }), { mode: 0o600 })
  try {
    while (true) {
      try {
        // A link is made whole or not at all, and never over another.
        linkSync(own, lock)
        return undefined
      } catch (error) {
        if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error
      }
      const found = textOf(lock)
      const holder = holderIn(found ?? "")
      if (holder !== undefined && isRunning(holder)) return holder.pid
      takeAway(lock, found)
    }
  } finally {
    rmSync(own, { force: true })
  }
}

/** Removes a stale lock, unless another process has put its own there meanwhile. */
const takeAway = (lock: string, stale: string | undefined): void => {
  const aside = `${lock}.stale.${process.pid}`
  try {
    renameSync(lock, aside)
    if (textOf(aside) !== stale) linkSync(aside, lock)
  } catch {
    // Somebody else was faster; who it is, the next look says.
  }
  rmSync(aside, { force: true })
}

/** Makes the folder, and keeps it until the scope closes. Fails with `FolderTaken`. */
export const lockFolder = (folder: string) =>
  Effect.acquireRelease(
    Effect.suspend(() => {
      mkdirSync(folder, { recursive: true, mode: 0o700 })
      const pid = tryLock(folder)
      return pid === undefined ? Effect.void : Effect.fail(new FolderTaken({ folder, pid }))
    }),
    () => Effect.sync(() => rmSync(join(folder, "lock"), { force: true }))
  )
