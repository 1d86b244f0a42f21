/**
 * Follows a plan: step by step forward, and back again. Every step is written down before it begins and when it is done,
 * so that another process goes on where one was killed.
 */
import type { FlagStore } from "@bulkhead/flags"
import { Effect } from "effect"
import type { JetStreamAdmin } from "./internal/JetStreamAdmin.ts"
import type { StepRun } from "./internal/StepRun.ts"
import { deleteStream, streamInfo, updateStream } from "./internal/streamState.ts"
import { withdraw } from "./internal/withdraw.ts"
import type { Facts, Journal, JournalEntry, StepState } from "./Journal.ts"
import { MigrationError, WrongState } from "./MigrationError.ts"
import { type Goal, goalOf, type MigrationPlan, type Step, stepId } from "./MigrationPlan.ts"
import { kindOf } from "./steps/index.ts"
import { MIGRATION_KEY, ownMetadata } from "./steps/markSource.ts"

/** What happens, for whoever watches. */
export type MigrationEvent =
  | { readonly _tag: "StepStarted"; readonly step: string; readonly number: number; readonly of: number }
  | { readonly _tag: "StepProgress"; readonly step: string; readonly done: number; readonly of: number }
  | { readonly _tag: "StepEnded"; readonly step: string; readonly number: number; readonly of: number }

export interface RunOptions {
  readonly onEvent?: (event: MigrationEvent) => void
}

export interface RollbackOptions extends RunOptions {
  /** Some reader may be given messages again, where its place cannot be known to the message. */
  readonly acceptRedelivery?: boolean
}

const failed = (problem: string, nextStep: string) =>
  new MigrationError({ operation: "runMigration", reason: new WrongState({ problem, nextStep }) })

const NOTHING: StepState = { state: "started", facts: {} }

const withStep = (entry: JournalEntry, id: string, change: (state: StepState) => StepState): JournalEntry => ({
  ...entry,
  steps: { ...entry.steps, [id]: change(entry.steps[id] ?? NOTHING) }
})

const stepRun = (
  journal: Journal,
  plan: MigrationPlan,
  id: string,
  { onEvent = () => {}, acceptRedelivery = false }: RollbackOptions
): StepRun => {
  const factsOf = (of: string) => Effect.map(journal.entry, ({ steps }): Facts => steps[of]?.facts ?? {})
  return {
    plan,
    facts: factsOf(id),
    factsOf: (step) => factsOf(stepId(step)),
    rollback: Effect.map(journal.entry, ({ facts }) => facts),
    acceptRedelivery,
    note: (facts) =>
      journal.update((entry) => withStep(entry, id, (state) => ({ ...state, facts: { ...state.facts, ...facts } }))),
    tell: (done, of) => onEvent({ _tag: "StepProgress", step: id, done, of })
  }
}

/** The turning point of a rollback notes what it finds for all steps. */
const turningRun = (journal: Journal, plan: MigrationPlan, options: RollbackOptions): StepRun => ({
  ...stepRun(journal, plan, "rollback", options),
  facts: Effect.map(journal.entry, ({ facts }) => facts),
  note: (facts) => journal.update((entry) => ({ ...entry, facts: { ...entry.facts, ...facts } }))
})

const mark = (journal: Journal, id: string, state: StepState["state"]) =>
  journal.update((entry) => withStep(entry, id, (before) => ({ ...before, state })))

const isWithin = (step: Step, goal: Goal): boolean => goal === "prefixed" || goalOf(step) === "both"

/**
 * Takes every step up to the goal that is not done yet.
 *
 * **Fails**: `OperatorNeeded` (retryable) where a person must do something first, `CopyDiffers`, `ServerRefused`,
 * `ServerUnavailable` (retryable), `MigrationBusy` (retryable) when another process has taken over, `WrongState` in a
 * rollback.
 *
 * @stability experimental
 */
export const runForward: (
  journal: Journal,
  goal: Goal,
  options?: RunOptions
) => Effect.Effect<void, MigrationError, JetStreamAdmin | FlagStore> = Effect.fn("runForward")(function* (
  journal,
  goal,
  options = {}
) {
  const { onEvent = () => {} } = options
  const { plan, direction } = yield* journal.entry
  if (direction === "back") return yield* failed("this migration is being rolled back", 'end that with "rollback"')
  const steps = plan.steps.filter((step) => isWithin(step, goal))
  for (const [index, step] of steps.entries()) {
    const id = stepId(step)
    if ((yield* journal.entry).steps[id]?.state === "done") continue
    const place = { step: id, number: index + 1, of: steps.length }
    onEvent({ _tag: "StepStarted", ...place })
    yield* mark(journal, id, "started")
    yield* kindOf(step).apply(step, stepRun(journal, plan, id, options))
    yield* mark(journal, id, "done")
    onEvent({ _tag: "StepEnded", ...place })
  }
})

/** Steps that were taken while the new streams were open; what comes before them is undone after the turning point. */
const isAfterOpening = ({ _tag }: Step): boolean =>
  _tag === "SwitchPublishers" || _tag === "AwaitSilence" || _tag === "CloseDoor" || _tag === "VerifyCopies"

const TURNING = "rollback"

/**
 * Undoes every step that was begun, the last one first.
 *
 * **Fails**: as `runForward`.
 *
 * @stability experimental
 */
export const runBack: (
  journal: Journal,
  options?: RollbackOptions
) => Effect.Effect<ReadonlyArray<string>, MigrationError, JetStreamAdmin | FlagStore> = Effect.fn("runBack")(function* (
  journal,
  options = {}
) {
  const { onEvent = () => {} } = options
  const { plan } = yield* journal.entry
  yield* journal.update((entry) => ({ ...entry, direction: "back" }))
  const { steps: states } = yield* journal.entry
  const begun = plan.steps.filter((step) => states[stepId(step)] !== undefined).toReversed()
  let left: ReadonlyArray<string> = []
  let hasTurned = false
  for (const [index, step] of begun.entries()) {
    if (!hasTurned && !isAfterOpening(step)) {
      const turning = { step: TURNING, number: index + 1, of: begun.length }
      onEvent({ _tag: "StepStarted", ...turning })
      left = [...(yield* withdraw(turningRun(journal, plan, options)))]
      onEvent({ _tag: "StepEnded", ...turning })
      hasTurned = true
    }
    const id = stepId(step)
    if ((yield* journal.entry).steps[id]?.state === "reverted") continue
    const place = { step: id, number: index + 1, of: begun.length }
    onEvent({ _tag: "StepStarted", ...place })
    yield* mark(journal, id, "reverting")
    yield* kindOf(step).revert(step, stepRun(journal, plan, id, options))
    yield* mark(journal, id, "reverted")
    onEvent({ _tag: "StepEnded", ...place })
  }
  return left
})

/** Where a migration stands, in a word. */
export type Phase = "forward" | "both" | "prefixed" | "back" | "rolled-back"

export const phaseOf = ({ plan, direction, steps }: JournalEntry): Phase => {
  const stateOf = (step: Step) => steps[stepId(step)]?.state
  if (direction === "back") {
    const isBack = plan.steps.every((step) => [undefined, "reverted"].includes(stateOf(step)))
    return isBack ? "rolled-back" : "back"
  }
  const isDone = (goal: Goal) =>
    plan.steps.filter((step) => isWithin(step, goal)).every((step) => stateOf(step) === "done")
  if (isDone("prefixed")) return "prefixed"
  return isDone("both") ? "both" : "forward"
}

/**
 * Removes what nobody needs any more, for good: after a migration the old streams, after a rollback the new ones.
 *
 * **Fails**: `WrongState` in the middle of either.
 *
 * @stability experimental
 */
export const cleanUp: (journal: Journal) => Effect.Effect<ReadonlyArray<string>, MigrationError, JetStreamAdmin> =
  Effect.fn("cleanUp")(function* (journal) {
    const entry = yield* journal.entry
    const { plan } = entry
    const phase = phaseOf(entry)
    if (phase === "prefixed") {
      for (const { stream } of plan.targets) {
        const { config } = yield* streamInfo(stream)
        const { [MIGRATION_KEY]: _, ...metadata } = ownMetadata(config.metadata)
        yield* updateStream(stream, { sources: [], metadata })
      }
      for (const { stream } of plan.sources) yield* deleteStream(stream)
      yield* journal.close
      return plan.sources.map(({ stream }) => stream)
    }
    if (phase === "rolled-back") {
      for (const { stream } of plan.targets) yield* deleteStream(stream)
      yield* journal.close
      return plan.targets.map(({ stream }) => stream)
    }
    return yield* failed(
      "the migration is neither complete nor rolled back",
      'go on with "run --to prefixed", or go back with "rollback"'
    )
  })
