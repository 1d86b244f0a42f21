/**
 * Lets a consumer on the new streams go on where the one on the old stream stood. The old one is held still first, until
 * its reader has acknowledged all that it was given; it keeps its place, so that it can go on after a rollback.
 */
import { Effect } from "effect"
import { awaitAcknowledged, findConsumer, pause, placeConsumer, resume } from "../internal/consumers.ts"
import { awaitCopied, placeOf } from "../internal/copies.ts"
import { consumerOf, targetOf } from "../internal/planned.ts"
import { reachedIn } from "../internal/repeats.ts"
import { factNames } from "../internal/rollbackFacts.ts"
import type { StepKind, StepOf, StepRun } from "../internal/StepRun.ts"
import { serverFeatures } from "../internal/serverFeatures.ts"
import { streamInfo } from "../internal/streamState.ts"
import { MigrationError, OperatorNeeded } from "../MigrationError.ts"
import { type PlannedConsumer, type PlannedTarget, type Successor, stepId } from "../MigrationPlan.ts"

type MoveConsumer = StepOf<"MoveConsumer">

/** The fact that says where the old consumer stood. */
export const STOOD_AT = "stoodAt"
/** The fact that says where it goes on after a rollback. */
const PLACED_BACK = "placedBack"
/** The fact that says that the successor on a stream has its place. */
const placedOn = (stream: string): string => `placed ${stream}`

const waits = (step: MoveConsumer, problem: string, nextStep: string) =>
  new MigrationError({
    operation: "moveConsumer",
    reason: new OperatorNeeded({ step: stepId(step), problem, nextStep })
  })

const named = ({ stream, consumer }: MoveConsumer): string => `"${stream}/${consumer}"`

/** Somebody who made the consumer anew has begun from another place. */
const checkSame = Effect.fnUntraced(function* (step: MoveConsumer, planned: PlannedConsumer) {
  const info = yield* findConsumer(step.stream, step.consumer)
  if (info !== undefined && info.created === planned.createdAt) return info
  return yield* waits(
    step,
    `consumer ${named(step)} is ${info === undefined ? "gone" : "another one"} since the plan was made`,
    "Stop the reader that makes it anew, roll back and plan again"
  )
})

/** Holds the old consumer still, and gives its place. */
const holdStill = Effect.fnUntraced(function* (step: MoveConsumer, { plan }: StepRun) {
  const { stream, consumer } = step
  const info = yield* checkSame(step, consumerOf(plan, stream, consumer))
  if (serverFeatures(plan.serverVersion).pause) yield* pause(stream, consumer)
  else if (info.num_waiting > 0 || info.push_bound === true) {
    return yield* waits(step, `consumer ${named(step)} has a reader`, "Stop the reader")
  }
  const stoodAt = yield* awaitAcknowledged(stream, consumer, plan.drainMs)
  if (stoodAt !== undefined) return stoodAt
  // As it was: an unacknowledged message can be given out again, and acknowledged.
  if (serverFeatures(plan.serverVersion).pause) yield* resume(stream, consumer)
  return yield* waits(
    step,
    `the reader of ${named(step)} has not acknowledged what it was given within ${plan.drainMs / 1_000} s`,
    "See that it runs and acknowledges"
  )
})

/** Makes a successor that stands still behind the copy of the last message that the old consumer was given. */
const place = Effect.fnUntraced(function* (
  step: MoveConsumer,
  { plan, facts, note, tell }: StepRun,
  { config }: PlannedConsumer,
  { stream, durable, filterSubjects }: Successor,
  stoodAt: number
) {
  const target = targetOf(plan, stream)
  const copy = copyOf(target, step.stream)
  if (copy === undefined || (yield* facts)[placedOn(stream)] !== undefined) return
  yield* awaitCopied(target, copy, undefined, tell)
  const { state } = yield* streamInfo(stream)
  const { sequence: after } = yield* placeOf(target, copy, stoodAt, state.last_seq)
  yield* placeConsumer({ stream, durable, filterSubjects, config, after })
  yield* note({ [placedOn(stream)]: after })
})

/** The last message of the old stream up to which the successors have read everything. */
const reachedBy = Effect.fnUntraced(function* (
  step: MoveConsumer,
  run: StepRun,
  successors: ReadonlyArray<Successor>,
  stoodAt: number
) {
  const noted = yield* run.rollback
  const through = Number(noted[factNames.through(step.stream)] ?? stoodAt)
  const places: Array<number> = []
  for (const successor of successors) {
    const reached = noted[factNames.reached(successor)]
    const target = targetOf(run.plan, successor.stream)
    const copy = copyOf(target, step.stream)
    if (reached === noted[factNames.end(successor.stream)]) places.push(through)
    else if (typeof reached !== "number" || copy === undefined) places.push(stoodAt)
    else places.push((yield* reachedIn(run, target, copy, reached)).origin)
  }
  const [least, most] = [Math.min(through, ...places), Math.max(...places)]
  if (least < most && !run.acceptRedelivery) {
    return yield* waits(
      step,
      `the readers of its successors have come to different places, ${least} and ${most} of "${step.stream}"`,
      'See that all of them run, or accept with "--accept-redelivery" that some messages are given out again'
    )
  }
  return least
})

const copyOf = ({ copies }: PlannedTarget, stream: string) => copies.find((copy) => copy.stream === stream)

export const moveConsumer: StepKind<MoveConsumer> = {
  describe: ({ stream, consumer }, plan) => {
    const { successors } = consumerOf(plan, stream, consumer)
    const to = successors
      .map(
        (one) =>
          `"${one.stream}/${one.durable}"${one.filterSubjects.length === 0 ? "" : ` (${one.filterSubjects.join(", ")})`}`
      )
      .join(" and ")
    return {
      does: `consumer "${stream}/${consumer}" stands still once its reader has acknowledged; ${to} goes on from its place: let the reader read there`,
      undoes: `"${stream}/${consumer}" goes on from the place that its successor has reached`
    }
  },
  apply: Effect.fnUntraced(function* (step, run) {
    const { plan, facts, note } = run
    const planned = consumerOf(plan, step.stream, step.consumer)
    let { [STOOD_AT]: stoodAt } = yield* facts
    if (typeof stoodAt !== "number") {
      stoodAt = yield* holdStill(step, run)
      yield* note({ [STOOD_AT]: stoodAt })
    }
    for (const successor of planned.successors) yield* place(step, run, planned, successor, stoodAt)
    // Not before all are written down: from here on readers move them.
    if (!serverFeatures(plan.serverVersion).pause) return
    for (const { stream, durable } of planned.successors) yield* resume(stream, durable)
  }),
  revert: Effect.fnUntraced(function* (step, run) {
    const { plan, facts, note } = run
    const { stream, consumer } = step
    const { [STOOD_AT]: stoodAt, [PLACED_BACK]: placedBack } = yield* facts
    const { config, filterSubjects, successors } = consumerOf(plan, stream, consumer)
    if (typeof stoodAt === "number" && placedBack === undefined) {
      const after = Math.max(stoodAt, yield* reachedBy(step, run, successors, stoodAt))
      yield* placeConsumer({ stream, durable: consumer, filterSubjects, config, after })
      yield* note({ [PLACED_BACK]: after })
    }
    if (serverFeatures(plan.serverVersion).pause) yield* resume(stream, consumer)
  })
}
