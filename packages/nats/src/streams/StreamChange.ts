/**
 * What a plan would change on the server, what each change puts at risk, and what stands in the way. Values without
 * behaviour, for people and for programs.
 */
import type { PlannedConsumer, PlannedStream } from "./StreamPlan.ts"

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
export type Risk = (typeof RISKS)[number]

export interface RiskNote {
  readonly risk: Risk
  readonly problem: string
}

/** One setting: what it is, and what it becomes. */
export interface FieldChange {
  readonly field: string
  readonly from: unknown
  readonly to: unknown
}

interface Change {
  readonly stream: string
  readonly risks: ReadonlyArray<RiskNote>
}

interface StreamMade extends Change {
  readonly wanted: PlannedStream
}

interface ConsumerChange extends Change {
  readonly consumer: string
}

interface ConsumerMade extends ConsumerChange {
  readonly wanted: PlannedConsumer
}

export type StreamChange =
  | (StreamMade & { readonly kind: "create-stream" })
  | (StreamMade & { readonly kind: "update-stream"; readonly fields: ReadonlyArray<FieldChange> })
  | (StreamMade & { readonly kind: "replace-stream"; readonly fields: ReadonlyArray<FieldChange> })
  | (Change & { readonly kind: "delete-stream" })
  | (ConsumerMade & { readonly kind: "create-consumer" })
  | (ConsumerMade & { readonly kind: "update-consumer"; readonly fields: ReadonlyArray<FieldChange> })
  | (ConsumerMade & { readonly kind: "replace-consumer"; readonly fields: ReadonlyArray<FieldChange> })
  | (ConsumerChange & { readonly kind: "delete-consumer" })

/** What is wrong before anything was changed. */
export interface StreamProblem {
  readonly kind:
    | "server-too-old"
    | "server-limited"
    | "overlap"
    | "unknown-consumer"
    | "refused-subjects"
    | "lost-by-upgrade"
    | "storage"
    | "streams-limit"
    | "consumers-limit"
    | "copies"
    | "permission"
  /** Nothing is changed while there is one that blocks. */
  readonly blocks: boolean
  readonly problem: string
  readonly nextStep: string
}

export interface StreamDiff {
  readonly serverVersion: string
  /** In the order in which they are made. */
  readonly changes: ReadonlyArray<StreamChange>
  readonly problems: ReadonlyArray<StreamProblem>
}
