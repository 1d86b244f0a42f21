/**
 * What a migration does, as data: made once from an inspection, kept in the journal, and followed by whoever goes on.
 *
 * The old stream stays the door of subjects without prefix until nobody uses them any more. So at no moment does no stream
 * take a subject, or two: the server never has to hand one over.
 */
import { TenantSlug } from "@bulkhead/tenancy"
import { Schema } from "effect"
import { ConsumerFate } from "./Mapping.ts"

/** The server's own words for a configuration. */
const ServerConfig = Schema.Record(Schema.String, Schema.Unknown)

/** A stream that is to be left. */
export const PlannedSource = Schema.Struct({
  stream: Schema.String,
  createdAt: Schema.String,
  subjects: Schema.Array(Schema.String),
  messages: Schema.Int,
  bytes: Schema.Int,
  duplicateWindowMs: Schema.Int,
  config: ServerConfig
})
export type PlannedSource = typeof PlannedSource.Type

/** What a new stream copies from an old one: these patterns, each under the tenant's prefix. */
export const PlannedCopy = Schema.Struct({ stream: Schema.String, patterns: Schema.Array(Schema.String) })
export type PlannedCopy = typeof PlannedCopy.Type

/** The new stream of one tenant. */
export const PlannedTarget = Schema.Struct({
  stream: Schema.String,
  tenant: TenantSlug,
  copies: Schema.Array(PlannedCopy),
  /** What it takes itself once consumers have moved. */
  subjects: Schema.Array(Schema.String),
  duplicateWindowMs: Schema.Int,
  config: ServerConfig
})
export type PlannedTarget = typeof PlannedTarget.Type

/** A consumer on a new stream that goes on where one on an old stream stood. */
export const Successor = Schema.Struct({
  stream: Schema.String,
  durable: Schema.String,
  filterSubjects: Schema.Array(Schema.String)
})
export type Successor = typeof Successor.Type

export const PlannedConsumer = Schema.Struct({
  stream: Schema.String,
  name: Schema.String,
  createdAt: Schema.String,
  filterSubjects: Schema.Array(Schema.String),
  fate: ConsumerFate,
  successors: Schema.Array(Successor),
  config: ServerConfig
})
export type PlannedConsumer = typeof PlannedConsumer.Type

const step = <const Tag extends string, const Fields extends Schema.Struct.Fields>(tag: Tag, fields: Fields) =>
  Schema.TaggedStruct(tag, fields)

/** One step; each is safe to repeat, and has an inverse as long as nothing was cleaned up. */
export const Step = Schema.Union([
  step("MarkSource", { stream: Schema.String }),
  step("MakeTarget", { stream: Schema.String }),
  step("CopyStored", { stream: Schema.String }),
  step("VerifyCopies", { stream: Schema.String, after: Schema.Literals(["copying", "closing"]) }),
  step("DropRepeats", { stream: Schema.String }),
  step("MoveConsumer", { stream: Schema.String, consumer: Schema.String }),
  step("OpenTargets", {}),
  step("SwitchPublishers", {}),
  step("AwaitSilence", { stream: Schema.String }),
  step("CloseDoor", { stream: Schema.String })
])
export type Step = typeof Step.Type

/** How far to go: until both kinds of subject are taken, or until only prefixed ones are. */
export const Goal = Schema.Literals(["both", "prefixed"])
export type Goal = typeof Goal.Type

export const MigrationPlan = Schema.Struct({
  id: Schema.String,
  serverVersion: Schema.String,
  sources: Schema.Array(PlannedSource),
  targets: Schema.Array(PlannedTarget),
  consumers: Schema.Array(PlannedConsumer),
  steps: Schema.Array(Step),
  /** Who switches publishers: the platform's flags, or the operator. */
  publishers: Schema.Literals(["flags", "operator"]),
  /** How long nothing must have come before it counts as silence, milliseconds. */
  quietMs: Schema.Int,
  /** How long a reader may take to acknowledge what it was given, milliseconds. */
  drainMs: Schema.Int
})
export type MigrationPlan = typeof MigrationPlan.Type

/** Names a step for people and for the journal: `MoveConsumer events/zen-consumer`. */
export const stepId = (one: Step): string => {
  switch (one._tag) {
    case "MoveConsumer":
      return `${one._tag} ${one.stream}/${one.consumer}`
    case "VerifyCopies":
      return `${one._tag} ${one.stream} after ${one.after}`
    case "OpenTargets":
    case "SwitchPublishers":
      return one._tag
    default:
      return `${one._tag} ${one.stream}`
  }
}

/** The goal that a step belongs to. */
export const goalOf = (one: Step): Goal => {
  if (one._tag === "AwaitSilence" || one._tag === "CloseDoor") return "prefixed"
  return one._tag === "VerifyCopies" && one.after === "closing" ? "prefixed" : "both"
}

/** The subject that a stream takes when it is to take nothing: the server gives it one of its own otherwise. */
export const closedSubject = (stream: string): string => `bulkhead.closed.${stream}`
