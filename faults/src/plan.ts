import { type Effect, Random } from "effect"
import type { Fault } from "./Fault.ts"
import type { FaultsOptions } from "./options.ts"
import { KILL } from "./table/core.ts"
import { faults } from "./table/index.ts"

const KILLS_PER_ROUND = 20

/** The faults of a run in their order: the kills, and all others once for each twenty of them. */
export const planOf = ({ kills, only, seed }: FaultsOptions): Effect.Effect<ReadonlyArray<Fault>> => {
  const rounds = Math.max(1, Math.ceil(kills / KILLS_PER_ROUND))
  const others = faults.filter((fault) => fault !== KILL)
  const all = [
    ...Array.from({ length: kills }, () => KILL),
    ...Array.from({ length: rounds }, () => others).flat()
  ].filter(({ name }) => only === undefined || name.includes(only))
  return Random.withSeed(Random.shuffle(all), seed)
}
