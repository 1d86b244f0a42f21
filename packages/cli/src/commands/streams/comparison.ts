/**
 * What core would change on the server: asked, shown, and judged.
 */
import type { StreamsComparison } from "@bulkhead/core/api"
import { type Allowance, renderDiff, risksLeft } from "@bulkhead/nats"
import * as Argument from "effect/cli/Argument"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { failed } from "../../CommandFailed.ts"
import { EXIT } from "../../ExitCode.ts"
import { oneLine } from "../../output/oneLine.ts"

export const tenant = Argument.String("tenant").pipe(
  Argument.withDescription("Only what concerns this tenant, by slug; everything without"),
  Argument.optional
)

/** The tenant as a part of a request; nothing where none is named. */
export const ofTenant = (slug: Option.Option<string>) => (Option.isSome(slug) ? { tenant: slug.value } : {})

/** The lines that people read. Names on the server are others' choice. */
export const render = (comparison: StreamsComparison): string =>
  renderDiff(comparison).split("\n").map(oneLine).join("\n")

/** What cannot be changed at all, with the reasons in the text that was shown. */
export const failWhereBlocked = ({ problems }: StreamsComparison) => {
  const blocking = problems.filter(({ blocks }) => blocks)
  const [first] = blocking
  if (first === undefined) return Effect.void
  const others = blocking.length === 1 ? "" : `, and ${blocking.length - 1} more`
  return failed(EXIT.fault, `Nothing can be changed: ${first.problem}${others}`, capitalised(first.nextStep))
}

/** What would be lost and was not allowed. */
export const failWhereCostly = ({ changes }: StreamsComparison, allow: ReadonlyArray<Allowance>) => {
  const left = risksLeft(changes, allow)
  const [first] = left
  if (first === undefined) return Effect.void
  const others = left.length === 1 ? "" : `, and ${left.length - 1} more`
  const options = [...new Set(left.map(({ risk, stream }) => `--allow ${risk}=${stream}`))].slice(0, OPTIONS_TOLD)
  return failed(
    EXIT.fault,
    `Nothing was changed: ${first.risk} of "${first.stream}": ${first.problem}${others}`,
    `If that may be lost, add ${options.join(" ")}${left.length > OPTIONS_TOLD ? " …" : ""}`
  )
}

const OPTIONS_TOLD = 5

const capitalised = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`
