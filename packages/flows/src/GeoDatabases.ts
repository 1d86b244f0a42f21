/**
 * The databases of countries and autonomous systems that an installation brings along. A file that is replaced is read
 * again; what cannot be read then leaves the old content in use.
 */
import { unwatchFile } from "node:fs"
import { Effect } from "effect"
import { type AsnResponse, type CountryResponse, open } from "maxmind"
import { FlowError, GeoDatabaseUnreadable } from "./FlowError.ts"

/** What the databases say of a public address; undefined is what they do not know. */
export interface Place {
  readonly country: string | undefined
  readonly asNumber: number | undefined
  readonly asName: string | undefined
}

export type PlaceOf = (address: string) => Place

interface GeoFiles {
  readonly countryFile: string | undefined
  readonly asnFile: string | undefined
}

const problemOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** Opens the databases that there are until the scope closes; `onReplaced` is told when the answers may have changed. */
export const openGeoDatabases = Effect.fnUntraced(function* (files: GeoFiles, onReplaced: () => void) {
  const openOne = Effect.fnUntraced(function* <Answer extends AsnResponse | CountryResponse>(
    setting: string,
    file: string | undefined
  ) {
    if (file === undefined) return undefined
    const unreadable = (error: unknown) =>
      new FlowError({
        operation: "openGeoDatabases",
        reason: new GeoDatabaseUnreadable({ setting, file, problem: problemOf(error) })
      })
    const options = { watchForUpdates: true, watchForUpdatesNonPersistent: true, watchForUpdatesHook: onReplaced }
    return yield* Effect.acquireRelease(
      Effect.tryPromise({ try: () => open<Answer>(file, options), catch: unreadable }),
      () => Effect.sync(() => unwatchFile(file))
    )
  })
  const countries = yield* openOne<CountryResponse>("FLOWS_COUNTRY_FILE", files.countryFile)
  const systems = yield* openOne<AsnResponse>("FLOWS_ASN_FILE", files.asnFile)
  const placeOf: PlaceOf = (address) => {
    const system = systems?.get(address)
    return {
      country: countries?.get(address)?.country?.iso_code,
      asNumber: system?.autonomous_system_number,
      asName: system?.autonomous_system_organization
    }
  }
  return placeOf
})
