/**
 * What the account does not have room for, and what its servers cannot place.
 */
import type { ObservedServer } from "./ObservedServer.ts"
import type { StreamChange, StreamProblem } from "./StreamChange.ts"
import type { PlannedStream, StreamPlan } from "./StreamPlan.ts"
import type { Amount, StreamShape } from "./StreamShape.ts"
import { CONSUMERS_BY_DEFAULT, limitsConsumers } from "./serverSupport.ts"

const madeStreams = (changes: ReadonlyArray<StreamChange>): ReadonlyArray<PlannedStream> =>
  changes.flatMap((change) =>
    change.kind === "create-stream" || change.kind === "update-stream" || change.kind === "replace-stream"
      ? [change.wanted]
      : []
  )

const isAbove = (max: Amount, count: number): boolean => max !== "unlimited" && count > max

const blocking = (kind: StreamProblem["kind"], problem: string, nextStep: string): StreamProblem => ({
  kind,
  blocks: true,
  problem,
  nextStep
})

const RAISE = "raise the account's limit, or plan less"

/** Bytes that are reserved more than before, on servers that hold so many copies. */
interface Reservation {
  readonly copies: number
  readonly bytes: number
}

const boundedBytes = ({ maxBytes, replicas = 1 }: StreamShape): number =>
  maxBytes === "unlimited" ? 0 : maxBytes * replicas

/** A stream without a limit reserves nothing; one that is deleted gives back what it had. */
const reservations = (
  changes: ReadonlyArray<StreamChange>,
  made: ReadonlyArray<PlannedStream>,
  { streams }: ObservedServer
): ReadonlyArray<Reservation> => {
  const shapes = new Map(streams.map(({ name, shape }) => [name, shape]))
  const gone = changes.flatMap(({ kind, stream }) => (kind === "delete-stream" ? (shapes.get(stream) ?? []) : []))
  return [
    ...made.map(({ name, maxBytes = 0, replicas }): Reservation => {
      const present = shapes.get(name)
      const copies = replicas ?? present?.replicas ?? 1
      return { copies, bytes: maxBytes * copies - (present === undefined ? 0 : boundedBytes(present)) }
    }),
    ...gone.map((shape): Reservation => ({ copies: shape.replicas ?? 1, bytes: -boundedBytes(shape) }))
  ]
}

const total = (some: ReadonlyArray<Reservation>): number => some.reduce((sum, { bytes }) => sum + bytes, 0)

/** Bytes on disk that all changes together reserve more than before. */
export const reservedBytes = (changes: ReadonlyArray<StreamChange>, server: ObservedServer): number =>
  total(
    reservations(
      changes,
      madeStreams(changes).filter(({ storage }) => storage !== "memory"),
      server
    )
  )

const storageProblems = (
  changes: ReadonlyArray<StreamChange>,
  made: ReadonlyArray<PlannedStream>,
  server: ObservedServer
): ReadonlyArray<StreamProblem> => {
  const { streamBytesMax, storage } = server.account
  const tooLarge = made
    .filter(({ maxBytes }) => streamBytesMax !== "unlimited" && (maxBytes === undefined || maxBytes > streamBytesMax))
    .map(({ name, maxBytes = "unlimited" }) =>
      blocking(
        "storage",
        `stream "${name}" shall hold ${maxBytes} bytes, and the account allows ${streamBytesMax} each`,
        RAISE
      )
    )
  const onDisk = made.filter((stream) => stream.storage !== "memory")
  const byCopies = Map.groupBy(reservations(changes, onDisk, server), ({ copies }) => copies)
  const tooMuch = [...byCopies].flatMap(([copies, some]) => {
    const wanted = total(some)
    const { max, reserved } = storage(copies)
    if (wanted <= 0 || !isAbove(max, reserved + wanted)) return []
    const problem = `the plan reserves ${wanted} bytes more, and of the account's ${max} bytes ${reserved} are reserved`
    return [blocking("storage", problem, RAISE)]
  })
  return [...tooLarge, ...tooMuch]
}

const count = (changes: ReadonlyArray<StreamChange>, made: StreamChange["kind"], gone: StreamChange["kind"]): number =>
  changes.filter(({ kind }) => kind === made).length - changes.filter(({ kind }) => kind === gone).length

const countProblems = (changes: ReadonlyArray<StreamChange>, server: ObservedServer): ReadonlyArray<StreamProblem> => {
  const { streams, consumers } = server.account
  const streamsThen = streams.present + count(changes, "create-stream", "delete-stream")
  const consumersThen = consumers.present + count(changes, "create-consumer", "delete-consumer")
  return [
    ...(isAbove(streams.max, streamsThen)
      ? [
          blocking(
            "streams-limit",
            `there would be ${streamsThen} streams, and the account allows ${streams.max}`,
            RAISE
          )
        ]
      : []),
    ...(isAbove(consumers.max, consumersThen)
      ? [
          blocking(
            "consumers-limit",
            `there would be ${consumersThen} consumers, and the account allows ${consumers.max}`,
            RAISE
          )
        ]
      : [])
  ]
}

/** Readers make their consumers later, and would be refused then. */
const crowded = (plan: StreamPlan, { version, account }: ObservedServer): ReadonlyArray<StreamProblem> => {
  if (!limitsConsumers(version) || account.consumers.max !== "unlimited") return []
  return plan.streams
    .filter(({ consumers = [] }) => consumers.length > CONSUMERS_BY_DEFAULT)
    .map(({ name, consumers = [] }) => ({
      kind: "consumers-limit",
      blocks: false,
      problem: `"${name}" is to have ${consumers.length} consumers, and nats-server ${version} allows ${CONSUMERS_BY_DEFAULT} a stream by default`,
      nextStep: "raise jetstream.limits.default_max_consumers of the server, or let one reader serve all tenants"
    }))
}

const copyProblems = (
  made: ReadonlyArray<PlannedStream>,
  { isClustered }: ObservedServer
): ReadonlyArray<StreamProblem> =>
  isClustered
    ? []
    : made
        .filter(({ replicas = 1 }) => replicas > 1)
        .slice(0, 1)
        .map(({ name, replicas }) =>
          blocking("copies", `stream "${name}" shall have ${replicas} copies, and the server is alone`, "plan one copy")
        )

/** Servers refuse both in one change, and a second change until the first has come to its end. */
const moveProblems = (changes: ReadonlyArray<StreamChange>): ReadonlyArray<StreamProblem> =>
  changes.flatMap((change) => {
    const changed = change.kind === "update-stream" ? change.fields.map(({ field }) => field) : []
    if (!changed.includes("replicas") || !changed.includes("placement")) return []
    const problem = `stream "${change.stream}" shall have other copies and another place, which no server changes at once`
    const nextStep = "plan one of the two, apply, and then the other"
    return [{ ...blocking("copies", problem, nextStep), stream: change.stream }]
  })

/** Everything for which there is no room, or no place. */
export const limitProblems = (
  changes: ReadonlyArray<StreamChange>,
  plan: StreamPlan,
  server: ObservedServer
): ReadonlyArray<StreamProblem> => {
  const made = madeStreams(changes)
  return [
    ...storageProblems(changes, made, server),
    ...countProblems(changes, server),
    ...crowded(plan, server),
    ...copyProblems(made, server),
    ...moveProblems(changes)
  ]
}
