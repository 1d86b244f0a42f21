/**
 * What the flags API does: it reads what this process follows, and writes the bucket that all services follow.
 */
import type { TenantSlug } from "@bulkhead/channels"
import {
  type AnyFlag,
  type FlagBucketUnavailable,
  FlagStore,
  Flags,
  type FlagTarget,
  type FlagValueInvalid,
  platformFlags
} from "@bulkhead/flags"
import { TenantStore } from "@bulkhead/storage"
import { Effect, Schedule } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { CoreApi } from "./CoreApi.ts"
import type { FlagChange, FlagState } from "./FlagsApi.ts"
import { findTenant } from "./findTenant.ts"
import { FlagUnknownProblem, FlagValueProblem, UnavailableProblem } from "./problems.ts"

const known: ReadonlyMap<string, AnyFlag> = new Map(platformFlags.map((flag) => [flag.key, flag as AnyFlag]))

const flagOf = (key: string) => {
  const flag = known.get(key)
  return flag === undefined
    ? Effect.fail(
        new FlagUnknownProblem({ detail: `There is no flag "${key}". Those that are: ${[...known.keys()].join(", ")}` })
      )
    : Effect.succeed(flag)
}

const refused = (detail: string) => new FlagValueProblem({ detail: `${detail}. Nothing was changed` })

const unavailable = (error: FlagBucketUnavailable) =>
  new UnavailableProblem({ detail: `${error.message}. Nothing was changed`, dependency: "nats" })

const refusedValue = (error: FlagValueInvalid) => refused(error.message)

/** How long an answer waits until this process follows the change itself. */
const FOLLOWED_WITHIN = "3 seconds"

/** A change's target in words, for the log. */
const targetOf = ({ target }: FlagChange): string => {
  if (target.kind === "tenant") return `tenant ${target.tenant}`
  return target.kind === "rollout" && target.percent !== undefined ? `${target.percent} % of the tenants` : target.kind
}

export const FlagsHandlers = HttpApiBuilder.group(
  CoreApi,
  "flags",
  Effect.fn(function* (handlers) {
    const flags = yield* Flags
    const store = yield* FlagStore
    const tenants = yield* TenantStore
    const find = (slug: string) => findTenant(slug).pipe(Effect.provideService(TenantStore, tenants))

    const stateOf = Effect.fnUntraced(function* (flag: AnyFlag, tenant: TenantSlug | undefined) {
      const { base, everyone, rollout, tenants } = yield* flags.settings(flag)
      const state: FlagState = {
        key: flag.key,
        description: flag.description,
        owner: flag.owner,
        allowed: flag.allowed,
        default: flag.print(flag.default),
        base: flag.print(base),
        ...(everyone === undefined ? {} : { everyone: flag.print(everyone) }),
        ...(rollout === undefined ? {} : { rollout: { percent: rollout.percent, value: flag.print(rollout.value) } }),
        tenants: Object.fromEntries([...tenants].map(([slug, value]) => [slug, flag.print(value)])),
        inForce: flag.print(yield* flags.get(flag, tenant))
      }
      return state
    })

    const tenantAsked = (slug: string | undefined) =>
      slug === undefined ? Effect.undefined : Effect.map(find(slug), (tenant) => tenant.slug)

    const write = Effect.fnUntraced(function* (flag: AnyFlag, { target, value }: FlagChange) {
      if (target.kind === "tenant") yield* find(target.tenant)
      if (value === null) return yield* store.unset(flag, target).pipe(Effect.mapError(unavailable))
      if (target.kind === "rollout" && target.percent === undefined) {
        return yield* refused("A rollout needs the percent of the tenants that it is for")
      }
      yield* store.set(flag, target as FlagTarget, value).pipe(
        Effect.catchTags({
          FlagValueInvalid: (error) => Effect.fail(refusedValue(error)),
          FlagBucketUnavailable: (error) => Effect.fail(unavailable(error))
        })
      )
    })

    const isFollowed = ({ target, value }: FlagChange, flag: AnyFlag, state: FlagState): boolean => {
      const wanted = value === null ? undefined : flag.print(flag.parse(value))
      if (target.kind === "tenant") return state.tenants[target.tenant] === wanted
      if (target.kind === "everyone") return state.everyone === wanted
      return state.rollout?.value === wanted && (wanted === undefined || state.rollout?.percent === target.percent)
    }

    return handlers.handleAll({
      list: Effect.fnUntraced(function* ({ query }) {
        const tenant = yield* tenantAsked(query.tenant)
        return yield* Effect.forEach([...known.values()], (flag) => stateOf(flag, tenant))
      }),
      get: Effect.fnUntraced(function* ({ params, query }) {
        const flag = yield* flagOf(params.key)
        return yield* stateOf(flag, yield* tenantAsked(query.tenant))
      }),
      change: Effect.fnUntraced(function* ({ params, payload }) {
        const flag = yield* flagOf(params.key)
        const tenant = payload.target.kind === "tenant" ? payload.target.tenant : undefined
        const before = yield* stateOf(flag, tenant)
        yield* write(flag, payload)
        yield* Effect.logInfo("a flag was changed", {
          flag: flag.key,
          target: targetOf(payload),
          value: payload.value ?? "taken away",
          inForceBefore: before.inForce
        })
        const look = stateOf(flag, tenant)
        return yield* look.pipe(
          Effect.repeat({ schedule: Schedule.spaced("20 millis"), until: (state) => isFollowed(payload, flag, state) }),
          Effect.timeoutOrElse({ duration: FOLLOWED_WITHIN, orElse: () => look })
        )
      })
    })
  })
)
