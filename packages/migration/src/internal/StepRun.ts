/**
 * What a step works with, and what a step is.
 */
import type { FlagStore } from "@bulkhead/flags"
import type { Effect } from "effect"
import type { Facts } from "../Journal.ts"
import type { MigrationError } from "../MigrationError.ts"
import type { MigrationPlan, Step } from "../MigrationPlan.ts"
import type { JetStreamAdmin } from "./JetStreamAdmin.ts"

export interface StepRun {
  readonly plan: MigrationPlan
  /** What this step has noted, also in an earlier process. */
  readonly facts: Effect.Effect<Facts>
  /** What another step has noted. */
  readonly factsOf: (step: Step) => Effect.Effect<Facts>
  /** What the rollback as a whole has noted. */
  readonly rollback: Effect.Effect<Facts>
  /**
   * In a rollback, some reader may be given again what it or another has read, instead of stopping where that cannot be
   * avoided.
   */
  readonly acceptRedelivery: boolean
  /** Adds to what this step has noted. */
  readonly note: (facts: Facts) => Effect.Effect<void, MigrationError>
  /** Tells whoever watches how far the step is. */
  readonly tell: (done: number, of: number) => void
}

export type StepEffect = Effect.Effect<void, MigrationError, JetStreamAdmin | FlagStore>

/** One kind of step. Both effects may be repeated, and begun by another process than the one that ends them. */
export interface StepKind<S extends Step> {
  /** What it does and what its inverse does, for people. */
  readonly describe: (step: S, plan: MigrationPlan) => { readonly does: string; readonly undoes: string }
  readonly apply: (step: S, run: StepRun) => StepEffect
  readonly revert: (step: S, run: StepRun) => StepEffect
}

/** A step by its tag. */
export type StepOf<Tag extends Step["_tag"]> = Extract<Step, { readonly _tag: Tag }>
