/**
 * `bulkhead replay start`: asks for a replay; events go on being stored meanwhile.
 */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import type * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { failed } from "../../CommandFailed.ts"
import { askCore, changeCore } from "../../core/askCore.ts"
import { EXIT } from "../../ExitCode.ts"
import { confirmUnlessDry, yes } from "../../options/confirm.ts"
import { dryRun } from "../../options/dryRun.ts"
import { tenant } from "../../options/tenant.ts"
import { timeFlag } from "../../options/units.ts"
import { printReplay, wait } from "./followReplay.ts"

const fromOf = (sequence: Option.Option<number>, time: Option.Option<DateTime.Utc>) => {
  if (Option.isSome(sequence) && Option.isNone(time)) {
    return sequence.value > 0
      ? Effect.succeed({ sequence: sequence.value })
      : failed(EXIT.usage, `--from-sequence ${sequence.value} is less than 1`, "The first message has sequence 1")
  }
  if (Option.isSome(time) && Option.isNone(sequence)) return Effect.succeed({ time: time.value })
  return failed(
    EXIT.usage,
    "It is not said where the replay begins",
    "Give --from-sequence or --from-time, one of them"
  )
}

export const start = Command.make(
  "start",
  {
    tenant,
    fromSequence: Flag.Int("from-sequence").pipe(
      Flag.optional,
      Flag.withDescription("The first message of its stream that is decoded again")
    ),
    fromTime: timeFlag("from-time").pipe(
      Flag.optional,
      Flag.withDescription("The first message received at or after this")
    ),
    wait,
    dryRun,
    yes
  },
  Effect.fnUntraced(function* (input) {
    const { tenant: slug, dryRun } = input
    const from = yield* fromOf(input.fromSequence, input.fromTime)
    const change = yield* changeCore(dryRun)
    yield* confirmUnlessDry(`Replaying "${slug}" replaces what its messages became`, input)
    const replay = yield* change((core) => core.replays.request({ params: { slug }, payload: { from } }))
    yield* printReplay(yield* askCore, slug, replay, input.wait)
  })
).pipe(
  Command.withDescription("Decode a tenant's messages again into fresh tables, which then replace the old ones"),
  Command.withExamples([
    {
      command: "bulkhead replay start acme --from-time 24h --yes --wait",
      description: "The last day, until it is done"
    },
    { command: "bulkhead replay start acme --from-sequence 1 --dry-run", description: "What would be sent" }
  ])
)
