/**
 * What a look at the server found: everything that a plan is compared with.
 */
import type { Amount, StreamShape } from "./StreamShape.ts"

export interface ObservedConsumer {
  readonly name: string
  /** False for one that the server forgets with its reader's connection. */
  readonly isDurable: boolean
  /** Whether the server forgets it when nobody has read for a while. */
  readonly expires: boolean
  /** Empty where it reads all subjects of the stream. */
  readonly filterSubjects: ReadonlyArray<string>
  readonly ackPolicy: string
  /** Whether an earlier plan made it. */
  readonly isPlanMade: boolean
  /** Messages that it has not read. */
  readonly pending: number
  /** Messages that it has read and not acknowledged. */
  readonly ackPending: number
}

export interface ObservedStream {
  readonly name: string
  /** RFC 3339, as the server gives it. One that was deleted and made anew has another. */
  readonly createdAt: string
  readonly shape: StreamShape
  readonly messages: number
  readonly bytes: number
  readonly lastSequence: number
  /** When it received its oldest message; undefined where it holds none. */
  readonly firstReceivedAt: Date | undefined
  /** Undefined where nobody asked for them. */
  readonly consumers: ReadonlyArray<ObservedConsumer> | undefined
}

/** What the account may have, and has. */
export interface ObservedAccount {
  /** Bytes that streams may reserve together, for streams with so many copies. */
  readonly storage: (replicas: number) => { readonly max: Amount; readonly reserved: number }
  /** Bytes of one stream. */
  readonly streamBytesMax: Amount
  readonly streams: { readonly max: Amount; readonly present: number }
  readonly consumers: { readonly max: Amount; readonly present: number }
}

/** Subjects on which the user may publish; no rule means any. */
export interface PublishRights {
  readonly allow: ReadonlyArray<string> | undefined
  readonly deny: ReadonlyArray<string>
}

export interface ObservedServer {
  readonly version: string
  readonly isClustered: boolean
  readonly at: Date
  readonly account: ObservedAccount
  /** Every stream of the account, by name. */
  readonly streams: ReadonlyArray<ObservedStream>
  /** Undefined where the server does not say. */
  readonly rights: PublishRights | undefined
}
