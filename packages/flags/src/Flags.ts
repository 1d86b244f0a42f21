/**
 * Reads flags. The environment is read once, when the layer is built; where a NATS connection is given, the bucket is
 * followed live, and what it says wins. A reading is a look into maps in memory.
 */
import type { TenantSlug } from "@bulkhead/channels"
import type { NatsConnection } from "@nats-io/nats-core"
import { Config, Context, Effect, Layer, Stream, SubscriptionRef } from "effect"
import { type Flag, FlagValueInvalid, readValue } from "./Flag.ts"
import { type LiveSettings, resolve } from "./internal/FlagSettings.ts"
import { followBucket } from "./internal/followBucket.ts"
import { LiveFlags } from "./internal/LiveFlags.ts"
import { platformFlags } from "./platformFlags.ts"

/** A flag of any type, for lists of flags. */
export type AnyFlag = Flag<unknown>

/** Everything that is said of a flag, as this process sees it now. */
export interface FlagSettings<A> {
  /** What holds where nothing below is said: the environment's value, else the default. */
  readonly base: A
  readonly everyone: A | undefined
  readonly rollout: { readonly value: A; readonly percent: number } | undefined
  readonly tenants: ReadonlyMap<string, A>
}

/** The values of flags, now and as they change. */
export class Flags extends Context.Service<
  Flags,
  {
    /** The value in force for the tenant, or, without one, for everybody. Dies for a flag the layer was not given. */
    readonly get: <A>(flag: Flag<A>, tenant?: TenantSlug) => Effect.Effect<A>
    /** The value in force and each that follows it, without repeats. */
    readonly changes: <A>(flag: Flag<A>, tenant?: TenantSlug) => Stream.Stream<A>
    /** What stands behind the value in force. Dies for a flag the layer was not given. */
    readonly settings: <A>(flag: Flag<A>) => Effect.Effect<FlagSettings<A>>
  }
>()("@bulkhead/flags/Flags") {
  /**
   * The platform's flags, and `flags` beside them, from the environment alone. Fails for a variable whose text is no
   * value of its flag.
   */
  static readonly layerEnvWith = (
    flags: ReadonlyArray<AnyFlag>
  ): Layer.Layer<Flags, FlagValueInvalid | Config.ConfigError> =>
    Layer.effect(Flags, make([...platformFlags, ...flags], undefined))

  static readonly layerEnv = Layer.suspend(() => Flags.layerEnvWith([]))

  /**
   * The environment, then the bucket `bulkhead-flags`, followed live. While NATS is away the last good values stay.
   * Building waits up to 5 s for the bucket, so that a service does not begin with values that are about to change.
   */
  static readonly layerKv = <E, R>(
    connection: Effect.Effect<NatsConnection, E, R>,
    flags: ReadonlyArray<AnyFlag> = []
  ): Layer.Layer<Flags, FlagValueInvalid | Config.ConfigError | E, R> =>
    Layer.effect(
      Flags,
      Effect.flatMap(connection, (open) => make([...platformFlags, ...flags], open))
    )
}

const fromEnvironment = Effect.fnUntraced(function* (flag: AnyFlag) {
  const text = yield* Config.option(Config.String(flag.key))
  if (text._tag === "None") return flag.default
  const value = readValue(flag, text.value, `environment variable ${flag.key}`)
  return value instanceof FlagValueInvalid ? yield* value : value
})

/** The flags by key; two flags that share one cannot be told apart anywhere. */
const byKeyOf = (flags: ReadonlyArray<AnyFlag>): ReadonlyMap<string, AnyFlag> => {
  const byKey = new Map<string, AnyFlag>()
  for (const flag of flags) {
    const other = byKey.get(flag.key) ?? flag
    if (other !== flag) throw new Error(`flag key ${flag.key} is declared by ${other.owner} and by ${flag.owner}`)
    byKey.set(flag.key, flag)
  }
  return byKey
}

const make = Effect.fnUntraced(function* (flags: ReadonlyArray<AnyFlag>, connection: NatsConnection | undefined) {
  const byKey = byKeyOf(flags)
  const base = new Map<string, unknown>()
  for (const flag of byKey.values()) base.set(flag.key, yield* fromEnvironment(flag))
  const live = yield* SubscriptionRef.make(new LiveFlags(byKey))
  if (connection !== undefined) yield* followBucket(connection, byKey, (next) => SubscriptionRef.set(live, next))

  const known = <A>(flag: Flag<A>): { readonly base: A; readonly live: LiveSettings<A> | undefined } => {
    if (!base.has(flag.key)) throw new Error(`flag ${flag.key} was not given to the layer of Flags`)
    const settings = SubscriptionRef.getUnsafe(live).settingsOf(flag.key)
    // The layer read these values with this very flag's own parser.
    return { base: base.get(flag.key) as A, live: settings as LiveSettings<A> | undefined }
  }

  const now = <A>(flag: Flag<A>, tenant: TenantSlug | undefined): A => {
    const { base, live } = known(flag)
    return resolve(flag, base, live, tenant)
  }

  return Flags.of({
    get: (flag, tenant) => Effect.sync(() => now(flag, tenant)),
    changes: (flag, tenant) =>
      SubscriptionRef.changes(live).pipe(
        Stream.map(() => now(flag, tenant)),
        Stream.changes
      ),
    settings: (flag) =>
      Effect.sync(() => {
        const { base, live } = known(flag)
        return { base, everyone: live?.everyone, rollout: live?.rollout, tenants: new Map(live?.tenants) }
      })
  })
})
