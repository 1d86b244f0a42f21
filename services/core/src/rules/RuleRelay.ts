/**
 * Keeps the bucket of rules saying what PostgreSQL says. A set stays unpublished until the bucket has it, so that a
 * process that ends in between loses nothing; a bucket that somebody else changed, emptied or deleted is written again.
 */
import { RuleStore } from "@bulkhead/storage"
import { Effect, Layer, Schedule } from "effect"
import { runDuty } from "../replicas/Duty.ts"
import { openRuleBucket } from "./RuleBucket.ts"

/** A change is to be in force within a second. */
const LOOK_EVERY = "250 millis"

const make = Effect.gen(function* () {
  const store = yield* RuleStore

  /** Done when the bucket is not as this relay left it. */
  const follow = Effect.gen(function* () {
    const bucket = yield* openRuleBucket
    const all = yield* store.all
    yield* bucket.keepOnly(new Set<string>(all.map(({ tenant }) => tenant)))
    yield* Effect.forEach(all, bucket.bring, { discard: true })
    while (yield* bucket.isAsLeft) {
      for (const rules of yield* store.unpublished) {
        yield* bucket.bring(rules)
        yield* store.published(rules)
      }
      yield* Effect.sleep(LOOK_EVERY)
    }
    yield* Effect.logInfo("the bucket of rules was changed by somebody else; it is compared as a whole")
  })

  yield* runDuty(
    "rules-relay",
    follow.pipe(
      Effect.forever,
      Effect.tapError((error) =>
        Effect.logWarning("rules wait for their bucket; trying again", { problem: error.message })
      ),
      Effect.retry(Schedule.spaced("2 seconds"))
    )
  )
})

/** Runs the relay until the scope closes, in one replica at a time; what two write is the same. */
export const RuleRelay = Layer.effectDiscard(make)
