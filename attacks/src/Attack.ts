/**
 * What an attack is: something a tenant with valid credentials may try. It refuses to judge itself: whatever it gets
 * hold of it says with `got`, and whether the victim was touched is looked at from outside.
 */
import type { NKey } from "@bulkhead/accounts"
import type { NatsConnection, PublishOptions, RequestOptions, SubscriptionOptions } from "@nats-io/transport-node"
import type { World } from "./World.ts"

/**
 * The ways an attacker has: `direct` with a collector's credentials, `leaf` from a nats-server of its own that is
 * connected as a leaf node, and `wide` with credentials whose role allows every subject, so that only the account stands
 * between it and the victim.
 */
export const WAYS = ["direct", "leaf", "wide"] as const
export type Way = (typeof WAYS)[number]

/** What an attack is given. */
export interface Attempt {
  readonly world: World
  readonly way: Way
  /** The attacker's connection on this way. */
  readonly client: NatsConnection
  /** The `Nats-Msg-Id` that the victim will use next. */
  readonly victimsNextId: string
  /** Names something that should have stayed out of reach. */
  readonly got: (evidence: string) => void
  /** Sends a request; an answer is evidence, unless `isFine` says that it gives nothing away. */
  readonly ask: (
    subject: string,
    payload?: string,
    options?: Partial<RequestOptions>,
    isFine?: (reply: string) => boolean
  ) => Promise<void>
  /** Publishes what must not reach the platform under this subject. */
  readonly send: (subject: string, payload?: string, options?: Partial<PublishOptions>) => void
  /** Listens until the attack is judged. */
  readonly listen: (subject: string, options?: SubscriptionOptions) => void
  /** Connects; getting in is evidence. */
  readonly enter: (claims: string, key: NKey) => Promise<void>
}

export interface Attack {
  readonly name: string
  readonly ways: ReadonlyArray<Way>
  readonly run: (attempt: Attempt) => Promise<void>
}

/** An attack on every way. */
export const attack = (name: string, run: Attack["run"], ways: ReadonlyArray<Way> = WAYS): Attack => ({
  name,
  ways,
  run
})
