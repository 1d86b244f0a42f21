/**
 * Makes the new stream of a tenant. It takes no subject yet and copies what is its tenant's from the old streams, under
 * the tenant's prefix. It drops no repeats while it copies: an id that the old stream took twice, far apart, would come
 * in quick succession here, and be lost.
 */
import type { StreamConfig } from "@nats-io/jetstream"
import { Effect } from "effect"
import { JetStreamAdmin } from "../internal/JetStreamAdmin.ts"
import { targetOf } from "../internal/planned.ts"
import type { StepKind, StepOf } from "../internal/StepRun.ts"
import { findStreamInfo } from "../internal/streamState.ts"
import { writtenBefore } from "../internal/writers.ts"
import { MigrationError, WrongState } from "../MigrationError.ts"
import type { MigrationPlan, PlannedTarget } from "../MigrationPlan.ts"
import { MIGRATION_KEY } from "./markSource.ts"

const configOf = (plan: MigrationPlan, target: PlannedTarget): Partial<StreamConfig> & { name: string } => ({
  ...target.config,
  name: target.stream,
  subjects: [],
  sources: target.copies.map(({ stream, patterns }) => ({
    name: stream,
    subject_transforms: patterns.map((src) => ({ src, dest: `${target.tenant}.${src}` }))
  })),
  duplicate_window: 0,
  metadata: { ...writtenBefore(plan, target), [MIGRATION_KEY]: plan.id }
})

export const makeTarget: StepKind<StepOf<"MakeTarget">> = {
  describe: ({ stream }, plan) => {
    const { tenant, copies } = targetOf(plan, stream)
    const from = copies.map((copy) => `${copy.patterns.join(", ")} of "${copy.stream}"`).join("; ")
    return {
      does: `stream "${stream}" is made and copies ${from}, each under "${tenant}."; it takes no subject yet`,
      undoes: `"${stream}" copies no more and takes nothing; it stays until cleanup`
    }
  },
  apply: Effect.fnUntraced(function* ({ stream }, { plan }) {
    const admin = yield* JetStreamAdmin
    const present = yield* findStreamInfo(stream)
    if (present?.config.metadata?.[MIGRATION_KEY] === plan.id) return
    if (present !== undefined) {
      const reason = new WrongState({
        problem: `stream "${stream}" has come up since the plan was made`,
        nextStep: "delete it when nobody needs it, then run the same command again"
      })
      return yield* new MigrationError({ operation: "makeTarget", reason })
    }
    yield* admin.ask({
      what: `stream "${stream}"`,
      rights: `STREAM.CREATE.${stream}`,
      ask: ({ manager }) =>
        manager.streams.add(configOf(plan, targetOf(plan, stream))).catch(async (error: unknown) => {
          // A try before this one may have made it.
          const made = await manager.streams.info(stream).catch(() => undefined)
          if (made?.config.metadata?.[MIGRATION_KEY] === plan.id) return made
          throw error
        })
    })
  }),
  // The rollback has taken sources and subjects away before.
  revert: () => Effect.void
}
