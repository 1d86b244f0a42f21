/**
 * Flags for tests of other packages: fixed values, no environment, no NATS.
 */
import { Effect, Layer, Stream } from "effect"
import type { Flag } from "./Flag.ts"
import { Flags } from "./Flags.ts"

/** `Flags` that says `values` by key, and each flag's default otherwise. */
export const flagsLayerTest = (values: Readonly<Record<string, unknown>> = {}): Layer.Layer<Flags> => {
  const read = <A>(flag: Flag<A>): A => (flag.key in values ? (values[flag.key] as A) : flag.default)
  return Layer.succeed(
    Flags,
    Flags.of({
      get: (flag) => Effect.sync(() => read(flag)),
      changes: (flag) =>
        Stream.concat(
          Stream.sync(() => read(flag)),
          Stream.never
        )
    })
  )
}
