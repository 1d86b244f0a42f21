/**
 * Makes the server as a plan says: looks, compares, refuses what is in the way or costs something that nobody allowed,
 * and only then changes anything, change by change. Safe to repeat: what was made is not made again.
 */
import type { JetStreamManager } from "@nats-io/jetstream"
import { Effect, Result, Schema } from "effect"
import { hasRoom } from "../hasRoom.ts"
import { askJetStream, unlessMissing } from "../internal/askJetStream.ts"
import { createConsumer, plannedConfig } from "../internal/createConsumer.ts"
import type { Nats } from "../Nats.ts"
import type { NatsError, NatsReason } from "../NatsError.ts"
import { diffStreams } from "./diffStreams.ts"
import { fingerprint } from "./fingerprint.ts"
import { reservedBytes } from "./limitProblems.ts"
import type { ObservedServer } from "./ObservedServer.ts"
import { observeStreams } from "./observeStreams.ts"
import { RISKS, Risk, type StreamChange, type StreamDiff, type StreamProblem } from "./StreamChange.ts"
import type { StreamPlan } from "./StreamPlan.ts"
import { serverConfigOf, serverUpdateOf, shapeOfPlan } from "./StreamShape.ts"

/** A risk that may be taken, with every stream or with one. */
export const Allowance = Schema.Struct({ risk: Risk, stream: Schema.optionalKey(Schema.String) }).annotate({
  identifier: "Allowance"
})
export type Allowance = typeof Allowance.Type

const isRisk = (text: string): text is Risk => (RISKS as ReadonlyArray<string>).includes(text)

/** Reads `stream-deleted`, or `stream-deleted=events-acme`; undefined for what is none. */
export const parseAllowance = (text: string): Allowance | undefined => {
  const [risk = "", stream] = text.split("=", 2)
  if (!isRisk(risk) || stream === "") return undefined
  return stream === undefined ? { risk } : { risk, stream }
}

/** Risks of the changes that nothing allows. */
export const risksLeft = (
  changes: ReadonlyArray<StreamChange>,
  allow: ReadonlyArray<Allowance>
): ReadonlyArray<{ readonly stream: string; readonly risk: Risk; readonly problem: string }> =>
  changes.flatMap(({ stream, risks }) =>
    risks
      .filter(({ risk }) => !allow.some((one) => one.risk === risk && (one.stream ?? stream) === stream))
      .map((note) => ({ stream, ...note }))
  )

/** A thousand streams may have the same problem. */
const PROBLEMS_TOLD = 5

/** Nothing was changed, because something is in the way or would be lost. */
export class ChangesRefused extends Schema.TaggedError<ChangesRefused>("@bulkhead/nats/ChangesRefused")(
  "ChangesRefused",
  { problems: Schema.Array(Schema.String), nextStep: Schema.String }
) {
  readonly isRetryable = false
  override get message(): string {
    const more = this.problems.length - PROBLEMS_TOLD
    const told = this.problems.slice(0, PROBLEMS_TOLD).join("; ")
    return `Nothing was changed. ${told}${more > 0 ? `; and ${more} more` : ""}: ${this.nextStep}`
  }
}

/** Some changes were made; the same call makes the rest. */
export class ChangesInterrupted extends Schema.TaggedError<ChangesInterrupted>("@bulkhead/nats/ChangesInterrupted")(
  "ChangesInterrupted",
  { made: Schema.Int, wanted: Schema.Int, stream: Schema.String, problem: Schema.String }
) {
  readonly isRetryable = true
  override get message(): string {
    return (
      `${this.made} of ${this.wanted} changes were made, then "${this.stream}" failed (${this.problem}): ` +
      "see to it, and apply again to make the rest"
    )
  }
}

const CHANGES_AT_ONCE = 8

const refuse = (problems: ReadonlyArray<string>, nextStep: string) => new ChangesRefused({ problems, nextStep })

const refuseProblems = (problems: ReadonlyArray<StreamProblem>) => {
  const blocking = problems.filter(({ blocks }) => blocks)
  return blocking.length === 0
    ? Effect.void
    : Effect.fail(
        refuse(
          blocking.map(({ problem }) => problem),
          [...new Set(blocking.map(({ nextStep }) => nextStep))].join("; ")
        )
      )
}

const refuseRisks = (changes: ReadonlyArray<StreamChange>, allow: ReadonlyArray<Allowance>) => {
  const left = risksLeft(changes, allow)
  if (left.length === 0) return Effect.void
  const risks = [...new Set(left.map(({ risk }) => risk))]
  return Effect.fail(
    refuse(
      left.map(({ stream, risk, problem }) => `${risk} of "${stream}": ${problem}`),
      `allow ${risks.join(", ")} if that may be lost`
    )
  )
}

const refuseOther = (shown: string | undefined, diff: StreamDiff) =>
  shown === undefined || shown === fingerprint(diff)
    ? Effect.void
    : Effect.fail(refuse(["the server is not as it was when the changes were shown"], "look at them again"))

const make = async (manager: JetStreamManager, change: StreamChange): Promise<void> => {
  const { stream } = change
  switch (change.kind) {
    case "create-stream":
      await manager.streams.add(serverConfigOf(stream, shapeOfPlan(change.wanted)))
      return
    case "update-stream":
      await manager.streams.update(stream, serverUpdateOf(shapeOfPlan(change.wanted)))
      return
    case "replace-stream":
      await manager.streams.delete(stream).catch(unlessMissing)
      await manager.streams.add(serverConfigOf(stream, shapeOfPlan(change.wanted)))
      return
    case "delete-stream":
      await manager.streams.delete(stream).catch(unlessMissing)
      return
    case "create-consumer":
      await createConsumer(manager, stream, change.wanted)
      return
    case "update-consumer":
      await manager.consumers.update(stream, change.consumer, plannedConfig(change.wanted))
      return
    case "replace-consumer":
      await manager.consumers.delete(stream, change.consumer).catch(unlessMissing)
      await createConsumer(manager, stream, change.wanted)
      return
    case "delete-consumer":
      await manager.consumers.delete(stream, change.consumer).catch(unlessMissing)
  }
}

/** Whether the server has room for what the changes reserve. In a cluster streams are spread, and one would say little. */
const refuseFullDisk = (changes: ReadonlyArray<StreamChange>, server: ObservedServer) => {
  const bytes = reservedBytes(changes, server)
  if (bytes <= 0 || server.isClustered) return Effect.void
  return askJetStream({
    operation: "applyStreams",
    what: `room for ${bytes} bytes`,
    rights: "STREAM.CREATE.* and STREAM.DELETE.*",
    ask: (manager) => hasRoom(manager, bytes)
  }).pipe(
    Effect.flatMap((isThere) =>
      isThere
        ? Effect.void
        : Effect.fail(
            refuse(
              [`the server has no room for ${bytes} bytes more`],
              "raise its max_file_store, or plan smaller streams"
            )
          )
    )
  )
}

const interrupted = (
  { stream, reason }: { readonly stream: string; readonly reason: NatsReason },
  made: number,
  wanted: number
) => new ChangesInterrupted({ made, wanted, stream, problem: "problem" in reason ? reason.problem : reason.message })

/** What may be done, and what somebody agreed to. */
export interface ApplyTerms {
  readonly allow?: ReadonlyArray<Allowance>
  /** The `fingerprint` of the changes that somebody agreed to; when there are others by now, nothing is changed. */
  readonly shown?: string
}

export interface ApplyOptions extends ApplyTerms {
  /** Told of each change once it is made. */
  readonly onChange?: (change: StreamChange, made: number, wanted: number) => Effect.Effect<void>
}

/** Compares a plan with the server, and changes nothing. */
export const compareStreams = Effect.fn("compareStreams")(function* (plan: StreamPlan) {
  return diffStreams(plan, yield* observeStreams(plan.streams.map(({ name }) => name)))
})

/**
 * Refuses changes that something stands against: a problem, a risk that nobody allowed, changes that are not those which
 * were shown, a full disk. Changes nothing.
 *
 * **Fails**: `ChangesRefused`; `NatsError` when the server cannot be asked.
 *
 * @stability stable
 */
export const refuseChanges: (
  diff: StreamDiff,
  server: ObservedServer,
  terms?: ApplyTerms
) => Effect.Effect<void, ChangesRefused | NatsError, Nats> = Effect.fn("refuseChanges")(function* (
  diff,
  server,
  { allow = [], shown } = {}
) {
  yield* refuseOther(shown, diff)
  yield* refuseProblems(diff.problems)
  yield* refuseRisks(diff.changes, allow)
  yield* refuseFullDisk(diff.changes, server)
})

/**
 * Makes changes that nothing stands against.
 *
 * **Fails**: `ChangesInterrupted` when the server refuses one.
 *
 * @stability stable
 */
export const makeChanges: (
  changes: ReadonlyArray<StreamChange>,
  onChange?: ApplyOptions["onChange"]
) => Effect.Effect<void, ChangesInterrupted, Nats> = Effect.fn("makeChanges")(function* (changes, onChange) {
  let made = 0
  let failure: { readonly stream: string; readonly reason: NatsReason } | undefined
  /** After a failure those under way are finished, so that it can be told how many were made. */
  const makeOne = Effect.fnUntraced(function* (change: StreamChange) {
    if (failure !== undefined) return
    const { kind, stream } = change
    const outcome = yield* askJetStream({
      operation: "applyStreams",
      what: `${kind} "${stream}"`,
      rights: "STREAM and CONSUMER",
      ask: (manager) => make(manager, change)
    }).pipe(Effect.result)
    if (Result.isFailure(outcome)) {
      failure ??= { stream, reason: outcome.failure.reason }
      return
    }
    made += 1
    yield* onChange?.(change, made, changes.length) ?? Effect.void
  })
  // Those of one kind do not depend on each other.
  for (const group of Map.groupBy(changes, ({ kind }) => kind).values()) {
    yield* Effect.forEach(group, makeOne, { concurrency: CHANGES_AT_ONCE, discard: true })
    if (failure !== undefined) return yield* interrupted(failure, made, changes.length)
  }
})

/**
 * Makes every change of the plan, and gives what was made. Where the plan may change meanwhile, look first and plan then,
 * with `observeStreams`, `diffStreams`, `refuseChanges` and `makeChanges`: the stream of a tenant that the plan does not
 * know yet would count as left over.
 *
 * **Fails**: `ChangesRefused` before anything was changed, `ChangesInterrupted` when the server refuses one half-way,
 * `NatsError` when it cannot be asked.
 *
 * @stability stable
 */
export const applyStreams: (
  plan: StreamPlan,
  options?: ApplyOptions
) => Effect.Effect<StreamDiff, ChangesRefused | ChangesInterrupted | NatsError, Nats> = Effect.fn("applyStreams")(
  function* (plan, options = {}) {
    const server = yield* observeStreams(plan.streams.map(({ name }) => name))
    const diff = diffStreams(plan, server)
    yield* refuseChanges(diff, server, options)
    yield* makeChanges(diff.changes, options.onChange)
    return diff
  }
)
