/**
 * What an installation consists of, as the server tells it: plain data, so that a plan can be made of it anywhere.
 */

import type { PublishRights } from "@bulkhead/nats"

/** How far a consumer is. */
export interface ConsumerPosition {
  /** The last sequence it was given. */
  readonly delivered: number
  /** Up to here everything is acknowledged. */
  readonly ackFloor: number
  /** Given, and not acknowledged yet. */
  readonly ackPending: number
  /** Not given yet. */
  readonly pending: number
}

export interface ConsumerFacts {
  readonly name: string
  /** The server forgets one that is not durable when its reader goes. */
  readonly isDurable: boolean
  readonly kind: "pull" | "push"
  /** Empty where it reads the whole stream. */
  readonly filterSubjects: ReadonlyArray<string>
  readonly position: ConsumerPosition
  /** Requests of readers that wait now, or 1 where somebody listens on the subject of a push consumer. */
  readonly readers: number
  readonly createdAt: string
  /** As the server keeps it. */
  readonly config: Readonly<Record<string, unknown>>
}

export interface StreamFacts {
  readonly name: string
  readonly createdAt: string
  readonly subjects: ReadonlyArray<string>
  readonly messages: number
  readonly bytes: number
  readonly firstSequence: number
  readonly lastSequence: number
  /** Messages stored, by subject. */
  readonly stored: Readonly<Record<string, number>>
  /** Messages a second while it was looked at. */
  readonly ratePerSecond: number
  readonly consumers: ReadonlyArray<ConsumerFacts>
  /** Streams that it copies from. */
  readonly copiesFrom: ReadonlyArray<string>
  /** As the server keeps it. */
  readonly config: Readonly<Record<string, unknown>>
}

export interface AccountFacts {
  readonly storedBytes: number
  /** -1 without a limit, as everywhere below. */
  readonly storedBytesMax: number
  readonly streams: number
  readonly streamsMax: number
  readonly consumersMax: number
}

export interface Inspection {
  /** `2.15.1` */
  readonly serverVersion: string
  readonly account: AccountFacts
  /** On which subjects the user may publish; undefined where the server does not tell it. */
  readonly rights?: PublishRights | undefined
  readonly streams: ReadonlyArray<StreamFacts>
}
