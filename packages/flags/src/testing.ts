/**
 * Flags for tests of other packages: fixed values, no environment, no NATS.
 */
import { Effect, Layer, Stream } from "effect"
import { type Flag, FlagValueInvalid, readValue } from "./Flag.ts"
import { Flags } from "./Flags.ts"

/** `Flags` that says `values` by key, and each flag's default otherwise. A value that is none of its flag's dies. */
export const flagsLayerTest = (values: Readonly<Record<string, unknown>> = {}): Layer.Layer<Flags> => {
  const read = <A>(flag: Flag<A>): A => {
    if (!(flag.key in values)) return flag.default
    const value = readValue(flag, String(values[flag.key]), "flagsLayerTest")
    if (value instanceof FlagValueInvalid) throw value
    return value
  }
  return Layer.succeed(
    Flags,
    Flags.of({
      get: (flag) => Effect.sync(() => read(flag)),
      changes: (flag) =>
        Stream.concat(
          Stream.sync(() => read(flag)),
          Stream.never
        ),
      settings: (flag) =>
        Effect.sync(() => ({ base: read(flag), everyone: undefined, rollout: undefined, tenants: new Map() }))
    })
  )
}
