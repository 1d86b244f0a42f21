/**
 * What a server can do, by its version.
 */

export interface ServerFeatures {
  /** Sources with transforms of subjects, and metadata: without them nothing can be moved. */
  readonly transforms: boolean
  /** A consumer can be paused while its reader stays connected. */
  readonly pause: boolean
  /** A consumer can be set to a sequence. */
  readonly reset: boolean
}

const atLeast = (version: string, major: number, minor: number): boolean => {
  const [a = 0, b = 0] = version.split(".").map((part) => Number.parseInt(part, 10))
  return a > major || (a === major && b >= minor)
}

export const serverFeatures = (version: string): ServerFeatures => ({
  transforms: atLeast(version, 2, 10),
  pause: atLeast(version, 2, 11),
  reset: atLeast(version, 2, 14)
})
