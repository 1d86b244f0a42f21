/**
 * Compares one stream, or one consumer, with what is planned. Pure.
 */
import { patternCovers, patternsOverlap } from "@bulkhead/channels"
import type { ObservedConsumer, ObservedStream } from "./ObservedServer.ts"
import type { FieldChange, RiskNote, StreamChange } from "./StreamChange.ts"
import type { PlannedConsumer, PlannedStream } from "./StreamPlan.ts"
import { isFixed, type StreamShape, shapeOfPlan } from "./StreamShape.ts"

const areEqual = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other)

const changesOf = (wanted: object, present: object): ReadonlyArray<FieldChange> =>
  Object.entries(wanted).flatMap(([field, to]) => {
    const from = (present as Readonly<Record<string, unknown>>)[field]
    return areEqual(from, to) ? [] : [{ field, from, to }]
  })

/** Messages that some consumer has still to read under these patterns. */
const unreadUnder = (patterns: ReadonlyArray<string>, consumers: ReadonlyArray<ObservedConsumer>): number => {
  const reads = ({ filterSubjects }: ObservedConsumer) =>
    filterSubjects.length === 0 ||
    filterSubjects.some((filter) => patterns.some((pattern) => patternsOverlap(filter, pattern)))
  return Math.max(0, ...consumers.filter(reads).map(({ pending, ackPending }) => pending + ackPending))
}

const unreadRisk = (
  from: ReadonlyArray<string>,
  to: ReadonlyArray<string>,
  consumers: ReadonlyArray<ObservedConsumer>
): ReadonlyArray<RiskNote> => {
  const left = from.filter((pattern) => !to.some((wide) => patternCovers(wide, pattern)))
  const unread = unreadUnder(left, consumers)
  if (left.length === 0 || unread === 0) return []
  const problem = `no more ${left.join(", ")}, where up to ${unread} messages wait to be read`
  return [{ risk: "messages-unread", problem }]
}

const fallsBelow = (to: StreamShape["maxBytes"], stored: number): boolean => to !== "unlimited" && stored > to

const risksOf = (wanted: StreamShape, present: ObservedStream, at: Date): ReadonlyArray<RiskNote> => {
  const { shape, bytes, firstReceivedAt, consumers = [] } = present
  const risks: Array<RiskNote> = []
  const add = (risk: RiskNote["risk"], problem: string) => void risks.push({ risk, problem })
  if (!areEqual(wanted.maxBytes, shape.maxBytes) && fallsBelow(wanted.maxBytes, bytes)) {
    add(
      "messages-dropped",
      wanted.discard === "old"
        ? `it holds ${bytes} bytes, so its oldest messages are dropped`
        : `it holds ${bytes} bytes, so it refuses new messages until older ones have expired`
    )
  }
  const ageMs = firstReceivedAt === undefined ? 0 : at.getTime() - firstReceivedAt.getTime()
  if (wanted.maxAgeMs !== shape.maxAgeMs && wanted.maxAgeMs > 0 && ageMs > wanted.maxAgeMs) {
    add("messages-dropped", `its oldest message is of ${firstReceivedAt?.toISOString()}, older than the new limit`)
  }
  if (wanted.discard === "old" && shape.discard === "new") {
    add("oldest-discarded", "once full it drops its oldest messages, written or not, and publishers do not notice")
  }
  if (wanted.duplicateWindowMs < shape.duplicateWindowMs) {
    add("window-shortened", `a message repeated after ${wanted.duplicateWindowMs} ms or more is stored twice`)
  }
  if (wanted.replicas !== undefined && wanted.replicas < (shape.replicas ?? 1)) {
    add("copies-reduced", `${wanted.replicas} instead of ${shape.replicas} servers hold it`)
  }
  return [...risks, ...unreadRisk(shape.subjects, wanted.subjects, consumers)]
}

/** What goes with a stream that is deleted. */
export const contentsOf = ({ messages, consumers = [] }: ObservedStream): string =>
  `${messages} messages and ${consumers.length} consumers go with it`

/** Retention `interest` can be left behind; a work queue can become nothing else, nor can storage be changed. */
const mustBeReplaced = (fields: ReadonlyArray<FieldChange>): boolean =>
  fields.some(({ field, from }) => isFixed(field as keyof StreamShape) && from !== "interest")

/** The change that makes a present stream as planned; undefined when it is. */
export const diffStream = (wanted: PlannedStream, present: ObservedStream, at: Date): StreamChange | undefined => {
  const shape = shapeOfPlan(wanted)
  const fields = changesOf(shape, present.shape)
  if (fields.length === 0) return undefined
  const change = { stream: wanted.name, wanted, fields }
  if (mustBeReplaced(fields)) {
    const problem = `its storage or retention cannot be changed in place: ${contentsOf(present)}`
    return { ...change, kind: "replace-stream", risks: [{ risk: "stream-replaced", problem }] }
  }
  return { ...change, kind: "update-stream", risks: risksOf(shape, present, at) }
}

/** A consumer that the plan makes: each message is acknowledged by itself. */
const ACK_POLICY = "explicit"

const diffConsumer = (
  stream: string,
  wanted: PlannedConsumer,
  present: ObservedConsumer | undefined
): StreamChange | undefined => {
  const change = { stream, consumer: wanted.name, wanted }
  if (present === undefined) return { ...change, kind: "create-consumer", risks: [] }
  const { filterSubjects, ackPolicy } = present
  const fields = changesOf(
    { filterSubjects: [...wanted.filterSubjects].sort(), ackPolicy: ACK_POLICY },
    { filterSubjects: [...filterSubjects].sort(), ackPolicy }
  )
  if (fields.length === 0) return undefined
  if (ackPolicy !== ACK_POLICY) {
    const problem = `its acknowledgements cannot be changed in place: ${lostPosition(present)}`
    return { ...change, kind: "replace-consumer", fields, risks: [{ risk: "position-lost", problem }] }
  }
  return {
    ...change,
    kind: "update-consumer",
    fields,
    risks: unreadRisk(filterSubjects, wanted.filterSubjects, [present])
  }
}

const lostPosition = ({ pending, ackPending }: ObservedConsumer): string =>
  `${pending + ackPending} messages wait for it, and where it stood is forgotten`

/** Beside its consumer a reader may have others for a while, whose names begin with its own: to catch up, for a replay. */
const belongsTo = (planned: PlannedConsumer, { name, expires }: ObservedConsumer): boolean =>
  name === planned.name || (expires && name.startsWith(`${planned.name}-`))

export interface ConsumersDiff {
  readonly changes: ReadonlyArray<StreamChange>
  /** Durable ones that no plan knows. */
  readonly unknown: ReadonlyArray<ObservedConsumer>
}

/** The consumers of one stream; `present` is empty where the stream is still to be made. */
export const diffConsumers = (
  { name: stream, consumers: planned = [] }: PlannedStream,
  present: ReadonlyArray<ObservedConsumer>
): ConsumersDiff => {
  const byName = new Map(present.map((consumer) => [consumer.name, consumer]))
  const made = planned
    .filter(({ madeBy }) => madeBy === "plan")
    .flatMap((consumer) => diffConsumer(stream, consumer, byName.get(consumer.name)) ?? [])
  const others = present.filter(
    (consumer) => consumer.isDurable && !planned.some((known) => belongsTo(known, consumer))
  )
  const dropped = others
    .filter(({ isPlanMade }) => isPlanMade)
    .map((consumer): StreamChange => {
      const risks: ReadonlyArray<RiskNote> = [{ risk: "position-lost", problem: lostPosition(consumer) }]
      return { kind: "delete-consumer", stream, consumer: consumer.name, risks }
    })
  return { changes: [...dropped, ...made], unknown: others.filter(({ isPlanMade }) => !isPlanMade) }
}
