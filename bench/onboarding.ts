/**
 * Onboarding a tenant on the local platform, with its services as processes of their own: from the request to the
 * answer, which comes when a client with the tenant's credentials reaches its stream.
 */
import type { TenantSlug } from "@bulkhead/channels"
import { Effect } from "effect"
import { startPlatform } from "../dev/src/Platform.ts"
import { temporaryFolder } from "../dev/src/temporaryFolder.ts"
import { median } from "./median.ts"
import type { Benchmark } from "./run.ts"

const ONE_BY_ONE = 30
const MEDIAN_MS_MAX = 100
const TENANTS = 1_000
const AT_ONCE = 8
const ALL_MS_MAX = 60_000

const timed = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const began = performance.now()
    return Effect.map(effect, () => performance.now() - began)
  })

const measure = Effect.gen(function* () {
  const folder = yield* temporaryFolder("bench")
  const options = { folder, reset: false, trafficPerSecond: 1, tls: false, onProgress: () => {} }
  const { api } = yield* startPlatform(options)
  const create = (name: string) =>
    Effect.flatMap(api.tenants.create({ payload: { slug: name as TenantSlug, name, plan: "free" } }), ({ status }) =>
      status === "active" ? Effect.void : Effect.die(new Error(`${name} is ${status}`))
    )
  const single: Array<number> = []
  for (let index = 0; index < ONE_BY_ONE; index++) single.push(yield* timed(create(`single-${index}`)))
  const names = Array.from({ length: TENANTS }, (_, index) => `many-${index}`)
  const all = yield* timed(Effect.forEach(names, create, { concurrency: AT_ONCE, discard: true }))
  return { single: median(single), all }
})

export const benchmark: Benchmark = async () => {
  const { single, all } = await Effect.runPromise(Effect.scoped(measure))
  const ratio = Math.max(single / MEDIAN_MS_MAX, all / ALL_MS_MAX)
  const figures =
    `one tenant ${single.toFixed(0)} ms (median of ${ONE_BY_ONE}, limit ${MEDIAN_MS_MAX} ms); ` +
    `${TENANTS} tenants, ${AT_ONCE} at a time, ${(all / 1_000).toFixed(1)} s (limit ${ALL_MS_MAX / 1_000} s)`
  return { ratio, isGood: ratio <= 1, text: `of the limit: ${figures}` }
}
