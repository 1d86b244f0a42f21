/**
 * Work that one replica does for all: the one that the members' ids choose does it while it has the claim.
 */
import { Claims } from "@bulkhead/storage"
import { type Cause, Effect, Stream } from "effect"
import { CoreConfig } from "../CoreConfig.ts"
import { Membership } from "./Membership.ts"

/**
 * Runs `work` while this replica has the duty, until the scope closes. A replica that froze over it and comes back may
 * do one more step, so a step must be harmless when another replica repeats it.
 */
export const runDuty = Effect.fnUntraced(function* <E, R>(name: string, work: Effect.Effect<never, E, R>) {
  const { heartbeatMs } = yield* CoreConfig
  const membership = yield* Membership
  const claims = yield* Claims

  const chosen = membership.views.pipe(
    Stream.filter((view) => membership.isOwner(view, name)),
    Stream.runHead,
    Effect.andThen(membership.view)
  )
  const dismissed = (term: number) =>
    membership.views.pipe(
      Stream.filter((view) => view.term !== term || !membership.isOwner(view, name)),
      Stream.runHead
    )
  const round = Effect.gen(function* () {
    const { term } = yield* chosen
    const taken = yield* claims.take(membership.self, "duty", [name])
    if (taken.length === 0) return yield* Effect.sleep(heartbeatMs)
    yield* Effect.raceFirst(work, dismissed(term)).pipe(
      Effect.ensuring(Effect.ignore(claims.release(membership.self, "duty", [name])))
    )
  })

  yield* round.pipe(
    Effect.catchCause((cause: Cause.Cause<unknown>) =>
      Effect.andThen(Effect.logWarning("a duty failed; trying again", { duty: name }, cause), Effect.sleep(heartbeatMs))
    ),
    Effect.forever,
    Effect.forkScoped
  )
})
