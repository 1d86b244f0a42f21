/**
 * Compares a plan with what a look at the server found. Pure: the same look always gives the same changes, in the order
 * in which they have to be made, and everything that stands in their way.
 */
import { patternsOverlap, SHARED_STREAM_NAME, tenantOfStream } from "@bulkhead/channels"
import { contentsOf, diffConsumers, diffStream } from "./diffStream.ts"
import { limitProblems } from "./limitProblems.ts"
import type { ObservedConsumer, ObservedServer, ObservedStream } from "./ObservedServer.ts"
import { rightsProblems } from "./rightsProblems.ts"
import type { RiskNote, StreamChange, StreamDiff, StreamProblem } from "./StreamChange.ts"
import type { PlannedStream, StreamPlan } from "./StreamPlan.ts"
import { askable, isReservedPattern, serverProblems, takesOverlappingFilters, takesWildcards } from "./serverSupport.ts"

/**
 * Whether the stream is left over: named as a plan would, and in no place of this one. Where each tenant has a stream,
 * those of tenants that have no subject in this mode stay as they are.
 */
const isLeftOver = ({ name }: ObservedStream, plan: StreamPlan): boolean => {
  if (plan.streams.some((stream) => stream.name === name)) return false
  const tenant = tenantOfStream(name)
  if (plan.layout === "shared") return tenant !== undefined
  return name === SHARED_STREAM_NAME || (tenant !== undefined && !plan.tenants.includes(tenant))
}

interface Place {
  readonly stream: string
  readonly pattern: string
}

/** Finds what overlaps a pattern without comparing it with all: by the first token, if that is no wildcard. */
class Places {
  readonly #byToken = new Map<string, Array<Place>>()
  readonly #wild: Array<Place> = []
  readonly #all: Array<Place> = []

  constructor(streams: ReadonlyArray<{ readonly name: string; readonly subjects: ReadonlyArray<string> }>) {
    for (const { name: stream, subjects } of streams) for (const pattern of subjects) this.#add({ stream, pattern })
  }

  #add(place: Place): void {
    this.#all.push(place)
    const token = firstToken(place.pattern)
    if (isWild(token)) this.#wild.push(place)
    else this.#byToken.set(token, [...(this.#byToken.get(token) ?? []), place])
  }

  overlapping(pattern: string): ReadonlyArray<Place> {
    const token = firstToken(pattern)
    const near = isWild(token) ? this.#all : [...(this.#byToken.get(token) ?? []), ...this.#wild]
    return near.filter((place) => patternsOverlap(place.pattern, pattern))
  }
}

const firstToken = (pattern: string): string => pattern.split(".", 1)[0] ?? ""
const isWild = (token: string): boolean => token === "*" || token === ">"

const overlaps = (plan: StreamPlan, foreign: ReadonlyArray<ObservedStream>): ReadonlyArray<StreamProblem> => {
  const places = new Places(foreign.map(({ name, shape }) => ({ name, subjects: shape.subjects })))
  const problems = new Map<string, StreamProblem>()
  for (const { name, subjects } of plan.streams) {
    for (const subject of subjects) {
      for (const { stream, pattern } of places.overlapping(subject)) {
        const key = `${name} ${stream}`
        if (problems.has(key)) continue
        problems.set(key, {
          kind: "overlap",
          blocks: true,
          stream: name,
          problem: `stream "${stream}" takes "${pattern}", which overlaps "${subject}" of "${name}"`,
          nextStep: `take the subject from "${stream}", or delete it when its messages are safe elsewhere`
        })
      }
    }
  }
  return [...problems.values()]
}

/** The literal wildcards that this server does not take, and those that the next one will not. */
const wildcardProblems = (plan: StreamPlan, server: ObservedServer): ReadonlyArray<StreamProblem> => {
  const refused =
    takesWildcards(server.version) === false
      ? plan.streams.flatMap(({ name, subjects }) =>
          subjects
            .filter(isReservedPattern)
            .slice(0, 1)
            .map(
              (pattern): StreamProblem => ({
                kind: "refused-subjects",
                blocks: true,
                stream: name,
                problem: `nats-server ${server.version} refuses "${pattern}" as a subject of "${name}"`,
                nextStep: "plan listed subjects"
              })
            )
        )
      : []
  const lost =
    takesWildcards(server.version) === false
      ? []
      : server.streams.flatMap(({ name, shape }) =>
          shape.noAck
            ? []
            : shape.subjects
                .filter(isReservedPattern)
                .slice(0, 1)
                .map(
                  (pattern): StreamProblem => ({
                    kind: "lost-by-upgrade",
                    blocks: false,
                    problem: `stream "${name}" takes "${pattern}": newer servers do not load such a stream, with all its messages`,
                    nextStep: `before the server is upgraded, change the subjects of "${name}" to a list of tenants`
                  })
                )
        )
  return [...refused, ...lost]
}

const haveOverlap = (patterns: ReadonlyArray<string>): boolean =>
  patterns.some((one, index) => patterns.slice(index + 1).some((other) => patternsOverlap(one, other)))

/** The filters of planned consumers that this server does not take; readers that make their own know what to do then. */
const filterProblems = ({ streams }: StreamPlan, { version }: ObservedServer): ReadonlyArray<StreamProblem> =>
  takesOverlappingFilters(version) === false
    ? streams.flatMap(({ name: stream, consumers = [] }) =>
        consumers
          .filter(({ madeBy, filterSubjects }) => madeBy === "plan" && haveOverlap(filterSubjects))
          .map(({ name, filterSubjects }) => ({
            kind: "refused-subjects",
            blocks: true,
            stream,
            problem: `nats-server ${version} takes no consumer whose filters overlap, as ${filterSubjects.join(" and ")} of "${name}" of "${stream}" do`,
            nextStep: 'upgrade it to 2.14.3 or newer, or give the reader a pattern without ">"'
          }))
      )
    : []

/** A stream that is changed under a reader that nobody knows. */
const noteUnknown = (change: StreamChange, unknown: ReadonlyArray<ObservedConsumer>): StreamChange => {
  const isMoved =
    change.kind === "replace-stream" ||
    change.kind === "delete-stream" ||
    (change.kind === "update-stream" && change.fields.some(({ field }) => field === "subjects"))
  if (!isMoved || unknown.length === 0) return change
  const names = unknown.map(({ name }) => `"${name}"`).join(", ")
  const risk: RiskNote = { risk: "unknown-consumer", problem: `${names} of no known reader would notice` }
  return { ...change, risks: [...change.risks, risk] }
}

const unknownProblem = (stream: string, { name, pending, ackPending }: ObservedConsumer): StreamProblem => ({
  kind: "unknown-consumer",
  blocks: false,
  stream,
  problem: `stream "${stream}" has a consumer "${name}" of no known reader, with ${pending + ackPending} messages before it`,
  nextStep: "find out whose it is; delete it when nobody needs it"
})

/** What has to go comes first, and what takes new subjects after what gives them up. */
const ORDER: Readonly<Record<StreamChange["kind"], number>> = {
  "delete-consumer": 0,
  "delete-stream": 1,
  "replace-stream": 2,
  "update-stream": 3,
  "create-stream": 4,
  "replace-consumer": 5,
  "update-consumer": 5,
  "create-consumer": 5
}

const givesUpSubjects = (change: StreamChange): boolean =>
  change.kind === "update-stream" &&
  change.fields.some(
    ({ field, from, to }) =>
      field === "subjects" && (to as ReadonlyArray<string>).length < (from as ReadonlyArray<string>).length
  )

const rankOf = (change: StreamChange): number => ORDER[change.kind] - (givesUpSubjects(change) ? 0.5 : 0)

const inOrder = (changes: ReadonlyArray<StreamChange>): ReadonlyArray<StreamChange> =>
  changes
    .map((change, index) => ({ change, index }))
    .sort((a, b) => rankOf(a.change) - rankOf(b.change) || a.index - b.index)
    .map(({ change }) => change)

/**
 * Everything that the plan would change, and what stands in the way.
 *
 * @stability stable
 */
export const diffStreams = (plan: StreamPlan, server: ObservedServer): StreamDiff => {
  const present = new Map(server.streams.map((stream) => [stream.name, stream]))
  const changes: Array<StreamChange> = []
  const problems: Array<StreamProblem> = []
  const compare = (wanted: PlannedStream) => {
    const found = present.get(wanted.name)
    const consumers = diffConsumers(wanted, found?.consumers ?? [])
    const change: StreamChange | undefined =
      found === undefined
        ? { kind: "create-stream", stream: wanted.name, wanted, risks: [] }
        : diffStream(askable(wanted, server.version), found, server.at)
    if (change !== undefined) changes.push(noteUnknown(change, consumers.unknown))
    // A stream that is made anew has none.
    changes.push(...(change?.kind === "replace-stream" ? diffConsumers(wanted, []) : consumers).changes)
    problems.push(...consumers.unknown.map((consumer) => unknownProblem(wanted.name, consumer)))
  }
  for (const wanted of plan.streams) compare(wanted)
  const leftOver = server.streams.filter((stream) => isLeftOver(stream, plan))
  for (const stream of leftOver) {
    const risks: ReadonlyArray<RiskNote> = [{ risk: "stream-deleted", problem: contentsOf(stream) }]
    changes.push({ kind: "delete-stream", stream: stream.name, risks })
  }
  const planned = new Set(plan.streams.map(({ name }) => name))
  const foreign = server.streams.filter((stream) => !planned.has(stream.name) && !leftOver.includes(stream))
  return {
    serverVersion: server.version,
    changes: inOrder(changes),
    problems: [
      ...serverProblems(server.version),
      ...overlaps(plan, foreign),
      ...wildcardProblems(plan, server),
      ...filterProblems(plan, server),
      ...limitProblems(changes, plan, server),
      ...rightsProblems(changes, server.rights),
      ...problems
    ]
  }
}
