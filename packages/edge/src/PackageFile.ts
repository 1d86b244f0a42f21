/**
 * One file of a site's package.
 */
import type { Redacted } from "effect"

export interface PackageFile {
  /** Within the package: `collectors/vector.yaml`. */
  readonly path: string
  readonly text: string | Redacted.Redacted<string>
  /** Whether it is a program; any other is readable by its owner alone, as some hold secrets. */
  readonly isProgram?: boolean
}

/** Where a package's files stand once they are installed. */
export interface SiteFolders {
  /** Configuration and credentials: `/etc/bulkhead-edge`. */
  readonly config: string
  /** What the leaf node and the collector keep: `/var/lib/bulkhead-edge`. */
  readonly data: string
}

export const DEFAULT_FOLDERS: SiteFolders = { config: "/etc/bulkhead-edge", data: "/var/lib/bulkhead-edge" }
