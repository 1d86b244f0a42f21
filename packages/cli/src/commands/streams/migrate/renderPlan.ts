/**
 * A plan as people read it.
 */
import { describePlan, type PlanResult } from "@bulkhead/migration"
import { oneLine } from "../../../output/oneLine.ts"
import { duration, size } from "../../../output/units.ts"

const section = (title: string, lines: ReadonlyArray<string>): ReadonlyArray<string> =>
  lines.length === 0 ? [] : [title, ...lines.map((line) => `  - ${oneLine(line)}`), ""]

export const planDocument = ({ plan, problems, notices }: PlanResult) => ({
  id: plan.id,
  problems,
  notices,
  ...describePlan(plan)
})

export const renderPlan = (document: ReturnType<typeof planDocument>): string => {
  const { steps, messages, diskBytes, seconds, problems, notices } = document
  const lines = steps.flatMap(({ id, does, undoes }, index) => [
    `${String(index + 1).padStart(3)}  ${oneLine(id)}`,
    `     ${oneLine(does)}`,
    `     back: ${oneLine(undoes)}`
  ])
  return [
    ...section("In the way, nothing can be changed before:", problems),
    ...section("To know:", notices),
    `${steps.length} steps; ${messages} messages are copied, which takes ${size(diskBytes)} more until cleanup and about ${duration(seconds * 1_000)}`,
    ...lines
  ].join("\n")
}
