import { mkdirSync } from "node:fs"
import { homedir } from "node:os"
import { join } from "node:path"

/**
 * The folder in which downloaded server binaries are kept between runs: `$BULKHEAD_CACHE`, else the user's cache
 * folder. Created when absent.
 */
export const cacheFolder = (name: string): string => {
  const base = process.env.BULKHEAD_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "bulkhead")
  const folder = join(base, name)
  mkdirSync(folder, { recursive: true })
  return folder
}
