/**
 * Where a PostgreSQL keeps its data. PostgreSQL refuses to run as root, so root runs it as `nobody`; a folder that
 * `nobody` cannot reach (below a checkout in root's home, or a private temporary folder) gets its data outside, and a
 * link to it. The link decides: when somebody removes the folder, the data behind it counts as removed too.
 */
import { createHash } from "node:crypto"
import { chownSync, existsSync, lstatSync, mkdirSync, readlinkSync, rmSync, statSync, symlinkSync } from "node:fs"
import { dirname, join } from "node:path"

export const isRoot = process.getuid?.() === 0

/** Whom root runs PostgreSQL as. */
export const NOBODY = { uid: 65_534, gid: 65_534 }

const OTHERS_ENTER = 0o001

/** Whether every user can enter the folder and those above it. */
export const isReachable = (folder: string): boolean => {
  for (let current = folder; ; current = dirname(current)) {
    if ((statSync(current).mode & OTHERS_ENTER) === 0) return false
    if (current === dirname(current)) return true
  }
}

const outside = (folder: string): string =>
  join("/var/tmp", `bulkhead-data-${createHash("sha256").update(folder).digest("hex").slice(0, 16)}`)

const isLink = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true

/** The data folder below `folder`, made when absent; the path by which PostgreSQL itself can reach it. */
export const preparePostgresFolder = (folder: string): string => {
  mkdirSync(folder, { recursive: true })
  const data = join(folder, "data")
  if (!isRoot) return data
  if (isLink(data)) return readlinkSync(data)
  if (existsSync(data)) return data
  if (isReachable(folder)) {
    chownSync(folder, NOBODY.uid, NOBODY.gid)
    return data
  }
  const target = outside(folder)
  rmSync(target, { recursive: true, force: true })
  mkdirSync(target, { mode: 0o700 })
  chownSync(target, NOBODY.uid, NOBODY.gid)
  symlinkSync(target, data)
  return target
}

/** Removes a folder and the data outside of it. */
export const removePostgresFolder = (folder: string): void => {
  const data = join(folder, "data")
  if (isLink(data)) rmSync(readlinkSync(data), { recursive: true, force: true })
  rmSync(folder, { recursive: true, force: true })
}
