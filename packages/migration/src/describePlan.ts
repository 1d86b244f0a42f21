/**
 * A plan in words: what each step changes, and what takes it back.
 */
import { goalOf, type MigrationPlan, stepId } from "./MigrationPlan.ts"
import { diskNeeded } from "./planMigration.ts"
import { kindOf } from "./steps/index.ts"

export interface StepText {
  readonly id: string
  readonly goal: "both" | "prefixed"
  readonly does: string
  readonly undoes: string
}

export interface PlanText {
  readonly steps: ReadonlyArray<StepText>
  /** Bytes that the copies take until the old streams are removed. */
  readonly diskBytes: number
  readonly messages: number
  /** How long the steps take that depend on how much is stored, seconds; waiting for people comes on top. */
  readonly seconds: number
}

/** Measured on two busy cores: copying by the server, and reading both sides for the comparison. */
const COPIES_PER_SECOND = 40_000
const COMPARED_PER_SECOND = 40_000

export const describePlan = (plan: MigrationPlan): PlanText => {
  const messages = plan.sources.reduce((sum, source) => sum + source.messages, 0)
  const windowsMs = plan.targets.map(({ duplicateWindowMs }) => duplicateWindowMs)
  const copyingSeconds = messages / COPIES_PER_SECOND + (2 * messages) / COMPARED_PER_SECOND
  return {
    steps: plan.steps.map((step) => ({
      id: stepId(step),
      goal: goalOf(step),
      ...kindOf(step).describe(step, plan)
    })),
    diskBytes: diskNeeded(plan.sources),
    messages,
    seconds: Math.ceil(Math.max(copyingSeconds, Math.max(0, ...windowsMs) / 1_000))
  }
}
