/**
 * The bucket in which zen-consumer reads rules, as it is now and as it is to be. Whoever opens it reads it whole once;
 * from then on only what differs is written, and whether somebody else has changed it is told from the state of its
 * stream.
 */
import { Nats, purgeSubject } from "@bulkhead/nats"
import { RULE_BUCKET, ruleSetKey } from "@bulkhead/rules"
import type { RulesToPublish } from "@bulkhead/storage"
import { type KV, Kvm } from "@nats-io/kv"
import { Effect, Schema } from "effect"

export const RULE_STREAM = `KV_${RULE_BUCKET}`

/** The subject of a key. */
export const subjectOfKey = (key: string): string => `$KV.${RULE_BUCKET}.${key}`

export class RuleBucketUnavailable extends Schema.TaggedError<RuleBucketUnavailable>()("RuleBucketUnavailable", {
  operation: Schema.String,
  cause: Schema.Defect()
}) {
  readonly isRetryable = true
  override get message(): string {
    const why = this.cause instanceof Error ? this.cause.message : String(this.cause)
    return `${this.operation}: the bucket ${RULE_BUCKET} cannot be reached (${why}). Check NATS and the user's rights`
  }
}

const reach = <A>(operation: string, run: () => Promise<A>) =>
  Effect.tryPromise({ try: run, catch: (cause) => new RuleBucketUnavailable({ operation, cause }) })

const statusOf = (kv: KV) =>
  Effect.map(
    reach("RuleBucket.status", () => kv.status()),
    ({ streamInfo: { created, state } }) => ({ created, last: state.last_seq, count: state.messages })
  )

/** All that it says, by key; without what was deleted by a marker, which counts as a message all the same. */
const readAll = (kv: KV) =>
  reach("RuleBucket.read", async () => {
    const known = new Map<string, string | undefined>()
    for await (const entry of await kv.history()) {
      known.set(entry.key, entry.operation === "PUT" ? entry.string() : undefined)
    }
    return known
  })

/** The tenant that a key belongs to. */
const slugOf = (key: string): string => key.split(".", 1)[0] ?? ""

/** Opens it, and makes it where it is absent. */
export const openRuleBucket = Effect.gen(function* () {
  const nats = yield* Nats
  const connection = yield* nats.connection
  const kv = yield* reach("RuleBucket.open", () => new Kvm(connection).create(RULE_BUCKET, { history: 1 }))
  const start = yield* statusOf(kv)
  const known = yield* readAll(kv)
  let { last } = start

  const put = Effect.fnUntraced(function* (key: string, text: string) {
    if (known.get(key) === text) return
    last = yield* reach("RuleBucket.put", () => kv.put(key, text))
    known.set(key, text)
  })

  const remove = Effect.fnUntraced(function* (key: string) {
    yield* purgeSubject(RULE_STREAM, subjectOfKey(key)).pipe(Effect.provideService(Nats, nats))
    known.delete(key)
  })

  /** Makes it say what a tenant's rules are: texts before the set that names them, and what nobody names goes last. */
  const bring = Effect.fn("RuleBucket.bring")(function* ({ tenant, set, contents }: RulesToPublish) {
    for (const [key, content] of contents) yield* put(key, content)
    yield* put(ruleSetKey(tenant), JSON.stringify(set))
    for (const key of known.keys()) {
      if (slugOf(key) === tenant && key !== ruleSetKey(tenant) && !contents.has(key)) yield* remove(key)
    }
  })

  /** Removes what belongs to nobody any more. */
  const keepOnly = Effect.fn("RuleBucket.keepOnly")(function* (tenants: ReadonlySet<string>) {
    for (const key of known.keys()) if (!tenants.has(slugOf(key))) yield* remove(key)
  })

  /** False as soon as somebody else has written, deleted or emptied it, or made it anew. */
  const isAsLeft = Effect.map(
    statusOf(kv),
    (now) => now.created === start.created && now.last === last && now.count === known.size
  )

  return { bring, keepOnly, isAsLeft }
})
