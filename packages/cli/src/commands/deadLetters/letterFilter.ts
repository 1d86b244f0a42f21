/**
 * Which dead letters: some by id, or those that a filter finds.
 */
import { DEAD_LETTER_REASONS, type DeadLetterFilter } from "@bulkhead/core/api"
import * as Argument from "effect/cli/Argument"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { type CommandFailed, failed } from "../../CommandFailed.ts"
import { EXIT } from "../../ExitCode.ts"
import { timeFlag } from "../../options/units.ts"

export const filterFlags = {
  reason: Flag.Literals("reason", DEAD_LETTER_REASONS).pipe(
    Flag.optional,
    Flag.withDescription("Why they were not stored")
  ),
  subject: Flag.String("subject").pipe(
    Flag.optional,
    Flag.withMetavar("<pattern>"),
    Flag.withDescription("Their subject, or a pattern with * and >")
  ),
  lane: Flag.String("lane").pipe(
    Flag.optional,
    Flag.withMetavar("<lane>"),
    Flag.withDescription("The lane they came through")
  ),
  since: timeFlag("since").pipe(Flag.optional, Flag.withDescription("Received at or after this")),
  until: timeFlag("until").pipe(Flag.optional, Flag.withDescription("Received before this"))
}

export const ids = Argument.Int("id").pipe(
  Argument.withDescription("Ids, as `dead-letters list` shows them; without any, --all or a filter"),
  Argument.variadic()
)

export const all = Flag.Boolean("all").pipe(Flag.withDefault(false), Flag.withDescription("All letters of the tenant"))

type Given = { readonly [Key in keyof DeadLetterFilter]-?: Option.Option<NonNullable<DeadLetterFilter[Key]>> }

/** What was given of the filter; an empty one finds all letters. */
export const filterOf = ({ reason, subject, lane, since, until }: Given): DeadLetterFilter => ({
  ...(Option.isNone(reason) ? {} : { reason: reason.value }),
  ...(Option.isNone(subject) ? {} : { subject: subject.value }),
  ...(Option.isNone(lane) ? {} : { lane: lane.value }),
  ...(Option.isNone(since) ? {} : { since: since.value }),
  ...(Option.isNone(until) ? {} : { until: until.value })
})

export type Selection = { readonly ids: ReadonlyArray<number> } | { readonly filter: DeadLetterFilter }

/** Ids or a filter, one of them: nothing at all must not mean all of them by mistake. */
export const selectionOf = (
  given: Given & { readonly ids: ReadonlyArray<number>; readonly all: boolean }
): Effect.Effect<Selection, CommandFailed> => {
  const filter = filterOf(given)
  const hasFilter = Object.keys(filter).length > 0
  const ways = [given.ids.length > 0, hasFilter, given.all].filter(Boolean).length
  if (ways === 1) return Effect.succeed(given.ids.length > 0 ? { ids: given.ids } : { filter })
  const problem = ways === 0 ? "It is not said which dead letters" : "Dead letters are named in more than one way"
  return failed(EXIT.usage, problem, "Give ids, or a filter such as --reason, or --all")
}
