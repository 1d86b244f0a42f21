/**
 * The nats-server versions that an installation may run: the one that runs the platform here, and older ones where this
 * machine has them or can obtain them. A test of one that it cannot is skipped, and says so.
 */
import { findNatsServer, findNatsServerVersion } from "@bulkhead/devstack"
import { Effect, Option } from "effect"

const OLDER = ["2.10.29", "2.14.3"]

export interface ServerVersion {
  readonly name: string
  /** For `startNatsServer`; absent for the default one. */
  readonly options: { readonly version?: string }
  readonly isMissing: boolean
}

/** Obtains what is missing first, which may take minutes the first time. */
export const serverVersions = async (): Promise<ReadonlyArray<ServerVersion>> => {
  const { version } = await Effect.runPromise(findNatsServer)
  const older = await Effect.runPromise(
    Effect.forEach(OLDER, (one) =>
      Effect.map(
        Effect.option(findNatsServerVersion(one)),
        (found): ServerVersion => ({ name: one, options: { version: one }, isMissing: Option.isNone(found) })
      )
    )
  )
  return [...older, { name: version, options: {}, isMissing: false }]
}
