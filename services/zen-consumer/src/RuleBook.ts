/**
 * The rules of all tenants, as the bucket has them now. A change is in force with the next batch; while the bucket cannot
 * be followed, the last good rules stay. No message is decided on before the bucket was read once.
 */
import { isTenantSlug, type TenantSlug } from "@bulkhead/channels"
import { Nats } from "@bulkhead/nats"
import { parseRuleSet, planFor, RULE_BUCKET, type RulePlan, type RuleSet, ruleKey } from "@bulkhead/rules"
import { JetStreamApiCodes, JetStreamApiError } from "@nats-io/jetstream"
import { type KV, Kvm, type KvWatchEntry } from "@nats-io/kv"
import { Context, Deferred, Effect, Layer } from "effect"
import { attempt, type ZenError } from "./ZenError.ts"

const CHECK_EVERY = "2 seconds"
const RETRY_AFTER = "500 millis"

/** What the bucket says. */
class Book {
  readonly #sets = new Map<string, RuleSet>()
  /** Texts by tenant and key. */
  readonly #rules = new Map<string, Map<string, string>>()
  revision = 0

  /** Takes an entry over; gives the key of a set that is none, whose tenant then keeps what it had. */
  apply(entry: KvWatchEntry, lastGood: Book): string | undefined {
    const { key, operation, revision } = entry
    const text = operation === "PUT" ? entry.string() : ""
    this.revision = Math.max(this.revision, revision)
    const isGone = operation !== "PUT"
    if (!isTenantSlug(key)) {
      const tenant = key.slice(0, key.indexOf("."))
      const texts = this.#rules.get(tenant) ?? new Map<string, string>()
      if (isGone) texts.delete(key)
      else this.#rules.set(tenant, texts.set(key, text))
      return undefined
    }
    const set = isGone ? undefined : parseRuleSet(text)
    const kept = isGone ? undefined : (set ?? lastGood.#sets.get(key))
    if (kept === undefined) this.#sets.delete(key)
    else this.#sets.set(key, kept)
    this.#forgetUnnamed(key, kept)
    return isGone || set !== undefined ? undefined : key
  }

  /** Texts come before the set that names them, and leave the bucket after the set that names them no more. */
  #forgetUnnamed(tenant: TenantSlug, set: RuleSet | undefined): void {
    const named = new Set(
      set?.groups.flatMap(({ rules }) => rules.map(({ rule, revision }) => ruleKey(tenant, rule, revision)))
    )
    const texts = this.#rules.get(tenant)
    for (const key of texts?.keys() ?? []) if (!named.has(key)) texts?.delete(key)
  }

  /** A rule that is not there is passed over. */
  plan(tenant: TenantSlug, subject: string): RulePlan | undefined {
    return planFor(this.#sets.get(tenant), subject, ({ rule, revision }) =>
      this.#rules.get(tenant)?.get(ruleKey(tenant, rule, revision))
    )
  }
}

/** Says what to do with messages. */
export class RuleBook extends Context.Service<
  RuleBook,
  {
    /** What holds now for a base subject; undefined where nothing is decided on it. */
    readonly plan: (tenant: TenantSlug, subject: string) => RulePlan | undefined
    /** Done when the bucket was read once. */
    readonly read: Effect.Effect<void>
    /** Why the rules may be old; undefined while they are followed. */
    readonly problem: Effect.Effect<string | undefined>
  }
>()("@bulkhead/zen-consumer/RuleBook") {
  static readonly layer: Layer.Layer<RuleBook, never, Nats> = Layer.effect(
    RuleBook,
    Effect.suspend(() => make)
  )
}

const isBucketAbsent = ({ cause }: ZenError): boolean =>
  cause instanceof JetStreamApiError && cause.code === JetStreamApiCodes.StreamNotFound

const statusOf = (kv: KV) =>
  Effect.tryPromise({ try: () => kv.status(), catch: attempt("RuleBook.status") }).pipe(
    Effect.map(({ streamInfo: { created, state } }) => ({ created, last: state.last_seq, count: state.messages }))
  )

const make = Effect.gen(function* () {
  const nats = yield* Nats
  const firstRead = yield* Deferred.make<void>()
  let book = new Book()
  let problem: string | undefined = "the rules are not read yet"

  const publish = (next: Book) => {
    book = next
    problem = undefined
    return Deferred.succeed(firstRead, undefined)
  }

  const follow = Effect.gen(function* () {
    const connection = yield* nats.connection
    const kv = yield* Effect.tryPromise({
      try: () => new Kvm(connection).open(RULE_BUCKET),
      catch: attempt("RuleBook.open")
    })
    const start = yield* statusOf(kv)
    const next = new Book()
    if (start.count === 0) yield* publish(next)
    const entries = yield* Effect.acquireRelease(
      Effect.tryPromise({ try: () => kv.watch(), catch: attempt("RuleBook.watch") }),
      (open) => Effect.sync(() => open.stop())
    )
    const take = Effect.fnUntraced(function* (entry: KvWatchEntry) {
      const bad = next.apply(entry, book)
      if (bad !== undefined) {
        yield* Effect.logError("a tenant's rule set cannot be read; what it had before stays", { tenant: bad })
      }
      // Until all that was there has come, what was known before stays in force.
      if (entry.isUpdate || entry.delta === 0) {
        next.revision = Math.max(next.revision, start.last)
        yield* publish(next)
      }
    })
    const run = Effect.runPromiseWith(yield* Effect.context<never>())
    const consume = Effect.tryPromise({
      try: async (signal) => {
        for await (const entry of entries) {
          if (signal.aborted) return
          await run(take(entry))
        }
      },
      catch: attempt("RuleBook.watch")
    })
    /** A watch that a server forgot, or whose bucket was made anew, says nothing of it. */
    const untilStale = Effect.gen(function* () {
      for (let wasBehind = false; ; ) {
        yield* Effect.sleep(CHECK_EVERY)
        const { created, last } = yield* statusOf(kv)
        const isBehind = last > Math.max(next.revision, start.last)
        if (created !== start.created || (wasBehind && isBehind)) return
        wasBehind = isBehind
      }
    })
    yield* Effect.raceFirst(consume, untilStale)
  }).pipe(Effect.scoped)

  yield* follow.pipe(
    Effect.catch((error) => {
      // Nobody has written a rule yet.
      if (isBucketAbsent(error)) return publish(new Book())
      problem = error.message
      return Effect.logWarning("the rules cannot be followed; the last good ones stay", { problem: error.message })
    }),
    Effect.andThen(Effect.sleep(RETRY_AFTER)),
    Effect.forever,
    Effect.forkScoped
  )

  return RuleBook.of({
    plan: (tenant, subject) => book.plan(tenant, subject),
    read: Deferred.await(firstRead),
    problem: Effect.sync(() => problem)
  })
})
