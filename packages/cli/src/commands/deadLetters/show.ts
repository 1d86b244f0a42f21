/**
 * `bulkhead dead-letters show`: one dead letter with its headers and what it carries.
 */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { askCore } from "../../core/askCore.ts"
import { tenant } from "../../options/tenant.ts"
import { fields } from "../../output/fields.ts"
import { print } from "../../output/print.ts"
import { size, time } from "../../output/units.ts"

export const show = Command.make(
  "show",
  { tenant, id: Argument.Int("id").pipe(Argument.withDescription("Its id")) },
  Effect.fnUntraced(function* ({ tenant: slug, id }) {
    const ask = yield* askCore
    const letter = yield* ask((core) => core.deadLetters.get({ params: { slug, id } }))
    yield* print(letter, (letter) =>
      fields([
        ["id", letter.id],
        ["subject", letter.subject],
        ["reason", letter.reason],
        ["detail", letter.detail],
        ["lane", letter.lane],
        ["sequence", letter.sequence],
        ["received", time(letter.receivedAt)],
        ["tries", letter.attempts],
        ["last try", letter.attemptedAt === undefined ? undefined : time(letter.attemptedAt)],
        ["size", size(letter.payloadBytes)],
        ...Object.entries(letter.headers).map(([name, value]) => [`header ${name}`, value] as const),
        [letter.payloadText === undefined ? "payload (base64)" : "payload", letter.payloadText ?? letter.payloadBase64]
      ])
    )
  })
).pipe(
  Command.withDescription("Show one dead letter with its headers and payload"),
  Command.withExamples([{ command: "bulkhead dead-letters show acme 42", description: "The letter 42" }])
)
