/**
 * `bulkhead dead-letters list`: the newest first, without what they carry. With `--json` one letter a line, since there
 * may be many.
 */
import type { DeadLetterEntry } from "@bulkhead/core/api"
import * as Console from "effect/Console"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import { failed } from "../../CommandFailed.ts"
import { type AskCore, askCore } from "../../core/askCore.ts"
import { EXIT } from "../../ExitCode.ts"
import { tenant } from "../../options/tenant.ts"
import { table } from "../../output/table.ts"
import { size, time } from "../../output/units.ts"
import { Json } from "../../Settings.ts"
import { filterFlags, filterOf } from "./letterFilter.ts"

const PAGE_LETTERS_MAX = 1_000
const DETAIL_LENGTH_MAX = 80

const short = (text: string): string =>
  text.length > DETAIL_LENGTH_MAX ? `${text.slice(0, DETAIL_LENGTH_MAX - 1)}…` : text

const render = (letters: ReadonlyArray<DeadLetterEntry>, slug: string): string =>
  table(
    [
      { title: "id", cell: ({ id }) => String(id), align: "right" },
      { title: "received", cell: ({ receivedAt }) => time(receivedAt) },
      { title: "subject", cell: ({ subject }) => subject },
      { title: "reason", cell: ({ reason }) => reason },
      { title: "size", cell: ({ payloadBytes }) => size(payloadBytes), align: "right" },
      { title: "tries", cell: ({ attempts }) => String(attempts), align: "right" },
      { title: "detail", cell: ({ detail }) => short(detail) }
    ],
    letters,
    `Tenant "${slug}" has no such dead letter`
  )

type Filter = ReturnType<typeof filterOf>

/** Pages until the limit or the end; each page is handed on before the next is asked for. */
const eachPage = Effect.fnUntraced(function* <R>(
  ask: AskCore,
  slug: string,
  filter: Filter,
  limit: number,
  handle: (letters: ReadonlyArray<DeadLetterEntry>) => Effect.Effect<void, never, R>
) {
  let before: number | undefined
  for (let left = limit; left > 0; ) {
    const query = { ...filter, limit: Math.min(left, PAGE_LETTERS_MAX), ...(before === undefined ? {} : { before }) }
    const page = yield* ask((core) => core.deadLetters.list({ params: { slug }, query }))
    yield* handle(page.letters)
    if (page.next === undefined) return
    left -= page.letters.length
    before = page.next
  }
})

export const list = Command.make(
  "list",
  {
    tenant,
    ...filterFlags,
    limit: Flag.Int("limit").pipe(Flag.withDefault(100), Flag.withDescription("How many at most, the newest first"))
  },
  Effect.fnUntraced(function* ({ tenant: slug, limit, ...given }) {
    if (limit < 1) return yield* failed(EXIT.usage, `--limit ${limit} is less than 1`)
    const ask = yield* askCore
    const filter = filterOf(given)
    if (yield* Json) {
      return yield* eachPage(ask, slug, filter, limit, (letters) =>
        letters.length === 0 ? Effect.void : Console.log(letters.map((letter) => JSON.stringify(letter)).join("\n"))
      )
    }
    const letters: DeadLetterEntry[] = []
    yield* eachPage(ask, slug, filter, limit, (page) => Effect.sync(() => void letters.push(...page)))
    yield* Console.log(render(letters, slug))
  })
).pipe(
  Command.withDescription("List a tenant's dead letters, the newest first; with --json one a line"),
  Command.withExamples([
    { command: "bulkhead dead-letters list acme --since 1h", description: "Those of the last hour" },
    {
      command: "bulkhead dead-letters list acme --reason malformed_json --limit 1000 --json",
      description: "For a program"
    }
  ])
)
