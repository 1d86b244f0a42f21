/**
 * What a plan would change on the server, what each change puts at risk, and what stands in the way. Values without
 * behaviour, for people and for programs, which services hand each other as JSON.
 */
import { Schema } from "effect"
import { PlannedConsumer, PlannedStream } from "./StreamPlan.ts"

/** What can be lost. Each has to be allowed by name before a change with it is made. */
export const RISKS = [
  /** A limit falls below what is stored. */
  "messages-dropped",
  /** The stream, or a reader, takes fewer subjects while messages under them wait. */
  "messages-unread",
  /** A full stream drops its oldest messages, written or not. */
  "oldest-discarded",
  /** A message that is repeated later than the new window is stored twice. */
  "window-shortened",
  /** Fewer servers hold the stream. */
  "copies-reduced",
  /** A stream is deleted and made anew, and its messages with it. */
  "stream-replaced",
  /** A stream is deleted with what is in it. */
  "stream-deleted",
  /** A consumer is deleted, and nobody knows any more where it stood. */
  "position-lost",
  /** Somebody we do not know reads a stream that is changed under it. */
  "unknown-consumer"
] as const
export const Risk = Schema.Literals(RISKS).annotate({ identifier: "StreamRisk" })
export type Risk = typeof Risk.Type

const RiskNote = Schema.Struct({ risk: Risk, problem: Schema.String }).annotate({ identifier: "StreamRiskNote" })
export type RiskNote = typeof RiskNote.Type

/** One setting: what it is, and what it becomes. */
const FieldChange = Schema.Struct({ field: Schema.String, from: Schema.Unknown, to: Schema.Unknown })
export type FieldChange = typeof FieldChange.Type

const change = { stream: Schema.String, risks: Schema.Array(RiskNote) }
const fields = { fields: Schema.Array(FieldChange) }
const streamMade = { ...change, wanted: PlannedStream }
const consumerChange = { ...change, consumer: Schema.String }
const consumerMade = { ...consumerChange, wanted: PlannedConsumer }

export const StreamChange = Schema.Union([
  Schema.Struct({ kind: Schema.Literal("create-stream"), ...streamMade }),
  Schema.Struct({ kind: Schema.Literal("update-stream"), ...streamMade, ...fields }),
  Schema.Struct({ kind: Schema.Literal("replace-stream"), ...streamMade, ...fields }),
  Schema.Struct({ kind: Schema.Literal("delete-stream"), ...change }),
  Schema.Struct({ kind: Schema.Literal("create-consumer"), ...consumerMade }),
  Schema.Struct({ kind: Schema.Literal("update-consumer"), ...consumerMade, ...fields }),
  Schema.Struct({ kind: Schema.Literal("replace-consumer"), ...consumerMade, ...fields }),
  Schema.Struct({ kind: Schema.Literal("delete-consumer"), ...consumerChange })
]).annotate({ identifier: "StreamChange" })
export type StreamChange = typeof StreamChange.Type

/** What is wrong before anything was changed. */
export const StreamProblem = Schema.Struct({
  kind: Schema.Literals([
    "server-too-old",
    "server-limited",
    "overlap",
    "unknown-consumer",
    "refused-subjects",
    "lost-by-upgrade",
    "storage",
    "streams-limit",
    "consumers-limit",
    "copies",
    "permission"
  ]),
  /** Nothing is changed while there is one that blocks. */
  blocks: Schema.Boolean,
  /** The planned stream that it is about; absent where it is about several. */
  stream: Schema.optionalKey(Schema.String),
  problem: Schema.String,
  nextStep: Schema.String
}).annotate({ identifier: "StreamProblem" })
export type StreamProblem = typeof StreamProblem.Type

export const StreamDiff = Schema.Struct({
  serverVersion: Schema.String,
  /** In the order in which they are made. */
  changes: Schema.Array(StreamChange),
  problems: Schema.Array(StreamProblem)
}).annotate({ identifier: "StreamDiff" })
export type StreamDiff = typeof StreamDiff.Type
