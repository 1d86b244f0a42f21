/**
 * `bulkhead rules validate`: what rules make of messages; 1 where they fail on one.
 */
import { TRIED_MESSAGES_MAX } from "@bulkhead/core/api"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { failed } from "../../CommandFailed.ts"
import { askCore } from "../../core/askCore.ts"
import { EXIT } from "../../ExitCode.ts"
import { tenant } from "../../options/tenant.ts"
import { oneLine } from "../../output/oneLine.ts"
import { print } from "../../output/print.ts"
import { readModel, readText, result } from "./ruleOptions.ts"

const messagesIn = Effect.fnUntraced(function* (path: Option.Option<string>, given: ReadonlyArray<string>) {
  const lines = Option.isNone(path) ? [] : (yield* readText(path.value)).split("\n")
  const messages = [...given, ...lines.filter((line) => line.trim() !== "")]
  if (messages.length === 0) {
    return yield* failed(EXIT.usage, "There is no message to try rules on", "Give --message or --messages")
  }
  if (messages.length > TRIED_MESSAGES_MAX) {
    const given = `${messages.length} messages are given, and rules are tried on ${TRIED_MESSAGES_MAX} at most`
    return yield* failed(EXIT.usage, given, "Give fewer")
  }
  return messages
})

interface What {
  readonly file: Option.Option<string>
  readonly rule: Option.Option<string>
  readonly revision: Option.Option<number>
  readonly subject: Option.Option<string>
  readonly result: "overlay" | "replace"
}

const whatIn = Effect.fnUntraced(function* ({ file, rule, revision, subject, result }: What) {
  if ([file, rule, subject].filter(Option.isSome).length !== 1) {
    return yield* failed(EXIT.usage, "Rules are tried one way at a time", "Give one of --file, --rule and --subject")
  }
  if (Option.isSome(file)) return { content: yield* readModel(file.value), result }
  if (Option.isSome(subject)) return { subject: subject.value }
  const name = Option.getOrElse(rule, () => "")
  return { rule: name, ...(Option.isNone(revision) ? {} : { revision: revision.value }) }
})

const text = (name: string, metavar: string, description: string) =>
  Flag.String(name).pipe(Flag.optional, Flag.withMetavar(metavar), Flag.withDescription(description))

export const validate = Command.make(
  "validate",
  {
    tenant,
    file: text("file", "<path>", "A rule that is stored nowhere yet, - for standard input"),
    result,
    rule: text("rule", "<rule>", "A rule of the tenant's"),
    revision: Flag.Int("revision").pipe(Flag.optional, Flag.withDescription("Of that rule; without, the one in force")),
    subject: text("subject", "<subject>", "All rules that run on this subject now, in order"),
    message: Flag.String("message").pipe(
      Flag.atLeast(0),
      Flag.withMetavar("<json>"),
      Flag.withDescription("A payload as it would come; more than one may be given")
    ),
    messages: text("messages", "<path>", "A file with a payload on each line")
  },
  Effect.fnUntraced(function* ({ tenant: slug, message, messages, ...what }) {
    const payload = { ...(yield* whatIn(what)), messages: yield* messagesIn(messages, message) }
    const ask = yield* askCore
    const trials = yield* ask((core) => core.rules.validate({ params: { slug }, payload }))
    yield* print(trials, (trials) =>
      trials
        .map((trial) =>
          "result" in trial
            ? oneLine(trial.result)
            : oneLine(`${trial.reason}${trial.rule === undefined ? "" : ` in rule "${trial.rule}"`}: ${trial.detail}`)
        )
        .join("\n")
    )
    const failures = trials.filter((trial) => !("result" in trial)).length
    if (failures > 0) {
      return yield* failed(EXIT.fault, `Rules fail on ${failures} of ${trials.length} messages`, "Correct the rule")
    }
  })
).pipe(
  Command.withDescription("Say what rules make of messages; nothing is stored or sent"),
  Command.withExamples([
    {
      command: `bulkhead rules validate acme --file mark.json --message '{"level":3}'`,
      description: "Before it is put"
    },
    {
      command: "bulkhead rules validate acme --subject logs.syslog --messages syslog.ndjson",
      description: "All that runs on syslog, on a file of messages"
    }
  ])
)
