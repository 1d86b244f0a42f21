/**
 * A place from which nats-server can be obtained. Each puts the binary at `target`, whole or not at all.
 */
import { execFile } from "node:child_process"
import { chmodSync, copyFileSync, mkdtempSync, renameSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"

/** The release that is obtained when none is asked for, where the place lets us choose. */
export const NATS_SERVER_VERSION = "2.15.1"

export interface NatsServerSource {
  /** For people: "Debian's packages". */
  readonly name: string
  /** Obtains the binary; throws an `Error` whose message says why this place cannot give it. */
  readonly obtain: (target: string) => Promise<void>
}

/** Runs a program to its end; its error output is the message when it fails. */
export const run = promisify(execFile)

/** Renamed into place, so that a reader, or another process that obtains it too, never sees half a binary. */
export const install = (binary: string, target: string): void => {
  const whole = `${target}.${process.pid}`
  copyFileSync(binary, whole)
  chmodSync(whole, 0o755)
  renameSync(whole, target)
}

/** Works in a temporary folder that is gone afterwards. */
export const inTemporaryFolder = async (work: (folder: string) => Promise<void>): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), "bulkhead-nats-server-"))
  try {
    await work(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
