/**
 * Changes flags in the bucket: the operator's side. A text that is no value of its flag never gets there.
 */
import type { TenantSlug } from "@bulkhead/channels"
import { Kvm } from "@nats-io/kv"
import type { NatsConnection } from "@nats-io/nats-core"
import { Context, Effect, Layer, Schema } from "effect"
import { type Flag, FlagValueInvalid, readValue } from "./Flag.ts"
import { FLAG_BUCKET, type FlagScope, keyOf, printRollout, SHARE_ALLOWED } from "./internal/bucketKeys.ts"

/** The client's request errors say what happened in their cause. */
const textOf = (cause: unknown): string => {
  if (!(cause instanceof Error)) return "no reason given"
  return cause.cause instanceof Error ? cause.cause.message : cause.message
}

/** The bucket cannot be reached or refuses us. */
export class FlagBucketUnavailable extends Schema.TaggedError<FlagBucketUnavailable>(
  "@bulkhead/flags/FlagBucketUnavailable"
)("FlagBucketUnavailable", { operation: Schema.String, cause: Schema.Defect() }) {
  readonly isRetryable = true
  override get message(): string {
    return (
      `${this.operation}: the bucket ${FLAG_BUCKET} cannot be reached (${textOf(this.cause)}). ` +
      "Check NATS and the user's rights, then try again"
    )
  }
}

/** Where a value is to hold. */
export type FlagTarget =
  | { readonly kind: "everyone" }
  | { readonly kind: "rollout"; readonly percent: number }
  | { readonly kind: "tenant"; readonly tenant: TenantSlug }

/** Writes flags. */
export class FlagStore extends Context.Service<
  FlagStore,
  {
    /** Puts a value, given as text, into force for a target. Readers follow within a second. */
    readonly set: (
      flag: Flag<unknown>,
      target: FlagTarget,
      text: string
    ) => Effect.Effect<void, FlagValueInvalid | FlagBucketUnavailable>
    /** The text that is in force for a target by the bucket; undefined where the bucket says nothing. */
    readonly read: (flag: Flag<unknown>, target: FlagScope) => Effect.Effect<string | undefined, FlagBucketUnavailable>
    /** Takes a target's value away; what stands behind it holds again. */
    readonly unset: (flag: Flag<unknown>, target: FlagScope) => Effect.Effect<void, FlagBucketUnavailable>
  }
>()("@bulkhead/flags/FlagStore") {
  /** Makes the bucket when it is absent. */
  static readonly layer = <E, R>(
    connection: Effect.Effect<NatsConnection, E, R>
  ): Layer.Layer<FlagStore, FlagBucketUnavailable | E, R> =>
    Layer.effect(
      FlagStore,
      Effect.flatMap(connection, (open) => make(open))
    )
}

const reach = <A>(operation: string, run: () => Promise<A>): Effect.Effect<A, FlagBucketUnavailable> =>
  Effect.tryPromise({ try: run, catch: (cause) => new FlagBucketUnavailable({ operation, cause }) })

const textFor = (flag: Flag<unknown>, target: FlagTarget, text: string): string | FlagValueInvalid => {
  const source = `flag for ${target.kind}`
  const value = readValue(flag, text, source)
  if (value instanceof FlagValueInvalid) return value
  if (target.kind !== "rollout") return flag.print(value)
  return (
    printRollout(target.percent, flag.print(value)) ??
    new FlagValueInvalid({ flag: flag.key, value: `${target.percent}%`, allowed: SHARE_ALLOWED, source })
  )
}

const make = Effect.fnUntraced(function* (connection: NatsConnection) {
  const kvm = new Kvm(connection)
  // A bucket that was deleted is made again by the next write.
  const bucket = (operation: string) => reach(operation, () => kvm.create(FLAG_BUCKET))
  yield* bucket("FlagStore.layer")
  return FlagStore.of({
    set: Effect.fn("FlagStore.set")(function* (flag, target, text) {
      const entry = textFor(flag, target, text)
      if (entry instanceof FlagValueInvalid) return yield* entry
      const kv = yield* bucket("FlagStore.set")
      yield* reach("FlagStore.set", () => kv.put(keyOf(flag.key, target), entry))
    }),
    read: Effect.fn("FlagStore.read")(function* (flag, target) {
      const kv = yield* bucket("FlagStore.read")
      const entry = yield* reach("FlagStore.read", () => kv.get(keyOf(flag.key, target)))
      return entry?.operation === "PUT" ? entry.string() : undefined
    }),
    unset: Effect.fn("FlagStore.unset")(function* (flag, target) {
      const kv = yield* bucket("FlagStore.unset")
      yield* reach("FlagStore.unset", () => kv.delete(keyOf(flag.key, target)))
    })
  })
})
