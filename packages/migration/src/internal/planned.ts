/**
 * Finds the parts of a plan that steps name. A name without its part is a broken journal.
 */
import type { MigrationPlan, PlannedConsumer, PlannedSource, PlannedTarget } from "../MigrationPlan.ts"

const must = <A>(found: A | undefined, what: string): A => {
  if (found === undefined) throw new Error(`the plan has a step for ${what}, and not the thing itself`)
  return found
}

export const sourceOf = ({ sources }: MigrationPlan, stream: string): PlannedSource =>
  must(
    sources.find((source) => source.stream === stream),
    stream
  )

export const targetOf = ({ targets }: MigrationPlan, stream: string): PlannedTarget =>
  must(
    targets.find((target) => target.stream === stream),
    stream
  )

export const consumerOf = ({ consumers }: MigrationPlan, stream: string, name: string): PlannedConsumer =>
  must(
    consumers.find((consumer) => consumer.stream === stream && consumer.name === name),
    `${stream}/${name}`
  )
