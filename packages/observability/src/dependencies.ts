/**
 * What a service says in `/readyz` of the servers it needs.
 */
import { Effect, Layer, type Scope } from "effect"
import { Health } from "./Health.ts"

/** Not ready until `isThere`; `problem` says what is the matter otherwise. */
export const dependsOn = (
  name: string,
  isThere: Effect.Effect<boolean>,
  problem: string
): Effect.Effect<void, never, Health | Scope.Scope> =>
  Effect.flatMap(Health, (health) =>
    health.register(
      name,
      Effect.map(isThere, (is) => (is ? undefined : problem))
    )
  )

/** Says what is waited for from the first moment on, before `dependsOn` of the same names can: they replace it. */
export const awaitsFirst = (...names: ReadonlyArray<string>): Layer.Layer<never, never, Health> =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const health = yield* Health
      for (const name of names) yield* health.register(name, Effect.succeed("waiting for its first answer"))
    })
  )
