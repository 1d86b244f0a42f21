/**
 * `bulkhead context add`: where an installation is, and the token for it. The token is never an argument: arguments are
 * seen by whoever may list processes, and stay in the shell's history.
 */
import { readFileSync } from "node:fs"
import { resolve } from "node:path"
import * as Console from "effect/Console"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Prompt from "effect/cli/Prompt"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Stdio from "effect/Stdio"
import { failed } from "../../CommandFailed.ts"
import {
  contextsPath,
  findContext,
  type NatsAccess,
  readContexts,
  type SavedContext,
  writeContexts
} from "../../contexts/ContextsFile.ts"
import { environmentToken } from "../../contexts/currentContext.ts"
import { EXIT } from "../../ExitCode.ts"
import { print } from "../../output/print.ts"
import { contextName } from "./contextName.ts"

const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/i
const STDIN = "-"

const checkName = (name: string) =>
  NAME.test(name)
    ? Effect.void
    : failed(
        EXIT.usage,
        `"${name}" is no name for a context`,
        "Use letters, digits, dot, dash and underscore, 64 at most, the first a letter or digit"
      )

const urlOf = (text: string, protocols: ReadonlyArray<string>) => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !protocols.includes(url.protocol)) {
    const wanted = protocols.map((protocol) => `${protocol}//host:port`).join(" or ")
    return failed(EXIT.usage, `"${text}" is no URL of this kind`, `Give ${wanted}`)
  }
  if (url.username !== "" || url.password !== "") {
    return failed(EXIT.usage, `The URL of "${url.host}" holds a secret`, "Leave it out: secrets are read from files")
  }
  return Effect.succeed(url)
}

const isLoopback = ({ hostname }: URL): boolean =>
  hostname === "localhost" || hostname === "[::1]" || hostname.startsWith("127.")

const fromFile = (file: string) =>
  Effect.try({
    try: () => Redacted.make(readFileSync(file === STDIN ? 0 : file, "utf8").trim()),
    catch: () => failed(EXIT.usage, `--token-file "${file}" cannot be read`, "Name a file that this user may read")
  })

/** From the file that is named, the environment, or whoever sits at the terminal. */
const readToken = Effect.fnUntraced(function* (file: string | undefined) {
  if (file !== undefined) return yield* fromFile(file)
  const token = yield* environmentToken
  if (token !== undefined) return token
  const stdio = yield* Stdio.Stdio
  if (yield* stdio.stdinIsTerminal) return yield* Prompt.run(Prompt.Password({ message: "Token of core's API" }))
  return yield* failed(
    EXIT.usage,
    "No token is given",
    'Name a file with --token-file, "-" for standard input, or set BULKHEAD_TOKEN'
  )
})

const warnOfCleartext = (url: URL) =>
  url.protocol === "http:" && !isLoopback(url)
    ? Console.error(`bulkhead: warning: "${url.origin}" is not https: whoever is on the way can read the token`)
    : Effect.void

const file = (name: string, description: string) =>
  Flag.String(name).pipe(Flag.optional, Flag.withMetavar("<file>"), Flag.withDescription(description))

export const add = Command.make(
  "add",
  {
    name: contextName,
    url: Flag.String("url").pipe(Flag.withMetavar("<url>"), Flag.withDescription("Where core's API answers")),
    tokenFile: file(
      "token-file",
      'A file with the token, "-" for standard input; else BULKHEAD_TOKEN_FILE or BULKHEAD_TOKEN'
    ),
    natsUrl: Flag.String("nats-url").pipe(
      Flag.optional,
      Flag.withMetavar("<url>"),
      Flag.withDescription("Where nats-server answers, for commands that core cannot answer")
    ),
    natsCreds: file("nats-creds", "Credentials of the platform's account"),
    replace: Flag.Boolean("replace").pipe(
      Flag.withDefault(false),
      Flag.withDescription("Replace a context of this name")
    )
  },
  Effect.fnUntraced(function* (input) {
    const { name } = input
    yield* checkName(name)
    const url = yield* urlOf(input.url, ["https:", "http:"])
    const known = yield* readContexts
    const { contexts, current = name } = known
    if (findContext(known, name) !== undefined && !input.replace) {
      return yield* failed(EXIT.usage, `There is a context "${name}" already`, "Add --replace, or choose another name")
    }
    const token = yield* readToken(Option.getOrUndefined(input.tokenFile))
    if (Redacted.value(token) === "")
      return yield* failed(EXIT.usage, "The token is empty", "Give core's CORE_API_TOKEN")
    const nats = yield* natsOf(input)
    const saved: SavedContext = { url: url.href.replace(/\/$/, ""), token, ...(nats === undefined ? {} : { nats }) }
    yield* writeContexts({ version: 1, current, contexts: { ...contexts, [name]: saved } })
    yield* warnOfCleartext(url)
    const file = yield* contextsPath
    yield* print({ name, url: saved.url, isCurrent: current === name, file }, ({ isCurrent }) =>
      isCurrent ? `"${name}" is the current context` : `"${name}" is saved; choose it with bulkhead context use ${name}`
    )
  })
).pipe(
  Command.withDescription("Save where an installation is, and the token for it"),
  Command.withExamples([
    { command: "bulkhead context add prod --url https://core.example.net", description: "The token is asked for" },
    {
      command: "bulkhead context add dev --url http://127.0.0.1:8080 --token-file .bulkhead/dev/secrets/core-api-token",
      description: "The token of a file"
    }
  ])
)

interface NatsInput {
  readonly natsUrl: Option.Option<string>
  readonly natsCreds: Option.Option<string>
}

/** The file is kept by its full name: the next command may be given in another folder. */
const natsOf = Effect.fnUntraced(function* ({ natsUrl, natsCreds }: NatsInput) {
  if (Option.isNone(natsUrl)) {
    if (Option.isNone(natsCreds)) return undefined
    return yield* failed(EXIT.usage, "--nats-creds is named, and no --nats-url", "Give --nats-url too")
  }
  const url = yield* urlOf(natsUrl.value, ["nats:", "tls:", "wss:", "ws:"])
  const access: NatsAccess = {
    url: url.href.replace(/\/$/, ""),
    ...(Option.isNone(natsCreds) ? {} : { credsFile: resolve(natsCreds.value) })
  }
  return access
})
