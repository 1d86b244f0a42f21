/**
 * What a rollback notes for all steps, by stream or consumer.
 */
import type { Facts } from "../Journal.ts"
import type { Successor } from "../MigrationPlan.ts"

export const factNames = {
  /** The last sequence of a new stream that was cut off. */
  end: (target: string) => `end ${target}`,
  /** Up to here an old stream was copied when the new ones were cut off. */
  through: (source: string) => `through ${source}`,
  /** How far a successor came. */
  reached: ({ stream, durable }: Successor) => `reached ${stream}/${durable}`
}

export const numberIn = (facts: Facts, name: string): number | undefined => {
  const value = facts[name]
  return typeof value === "number" ? value : undefined
}
