/**
 * `bulkhead streams lag`: how far each reader of each tenant's stream is behind, the furthest first.
 */
import type { ReaderLag } from "@bulkhead/core/api"
import * as Console from "effect/Console"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { askCore } from "../../core/askCore.ts"
import { durationFlag } from "../../options/units.ts"
import { print } from "../../output/print.ts"
import { table } from "../../output/table.ts"
import { duration, time } from "../../output/units.ts"
import { Json } from "../../Settings.ts"
import { ofTenant, tenant } from "./comparison.ts"

const CLEAR_SCREEN = "\u001b[H\u001b[2J"

const behind = ({ pending, ackPending }: ReaderLag): number => pending + ackPending

/** The one whose oldest message has waited longest comes first; an age that is not known counts as none. */
const byLag = (a: ReaderLag, b: ReaderLag): number =>
  (b.lagMs ?? 0) - (a.lagMs ?? 0) || behind(b) - behind(a) || a.stream.localeCompare(b.stream)

const render = (lags: ReadonlyArray<ReaderLag>): string =>
  table(
    [
      { title: "tenant", cell: ({ tenant }) => tenant ?? "all" },
      { title: "consumer", cell: ({ consumer }) => consumer },
      { title: "stream", cell: ({ stream }) => stream },
      { title: "messages", cell: (lag) => String(behind(lag)), align: "right" },
      { title: "in work", cell: ({ ackPending }) => String(ackPending), align: "right" },
      { title: "oldest", cell: ({ lagMs }) => (lagMs === undefined ? "" : duration(lagMs)), align: "right" },
      { title: "last read", cell: ({ deliveredAt }) => time(deliveredAt) },
      { title: "reader", cell: ({ reader }) => reader ?? "unknown" }
    ],
    lags,
    "No stream has a reader"
  )

export const lag = Command.make(
  "lag",
  {
    tenant,
    watch: durationFlag("watch").pipe(
      Flag.optional,
      Flag.withDescription("Look again and again, with so long between; with --json a line for each look")
    )
  },
  Effect.fnUntraced(function* ({ tenant: slug, watch }) {
    const ask = yield* askCore
    const clears = Option.isSome(watch) && process.stdout.isTTY === true && !(yield* Json)
    const look = Effect.gen(function* () {
      const lags = yield* ask((core) => core.streams.lag({ query: ofTenant(slug) }))
      if (clears) yield* Console.log(CLEAR_SCREEN)
      yield* print([...lags].sort(byLag), render)
    })
    yield* look
    if (Option.isSome(watch)) yield* Effect.forever(Effect.andThen(Effect.sleep(watch.value), look))
  })
).pipe(
  Command.withDescription("Show how far each reader is behind, in messages and in time, the furthest first"),
  Command.withExamples([
    { command: "bulkhead streams lag", description: "Every reader of every tenant's stream" },
    { command: "bulkhead streams lag acme --watch 2s", description: "One tenant's, looked at every two seconds" }
  ])
)
