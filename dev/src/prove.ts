/**
 * `npm run prove`: computes from all account claims of an installation who can reach whom, prints the matrix, and fails
 * naming the path when a tenant can reach another. Without options the installation is a freshly started local one.
 *
 *   --operator FILE    the operator's configuration, as `bootstrap` writes it (operator.conf)
 *   --url URL          read the claims live from this server, with
 *   --creds FILE       credentials of the auditor (auditor.creds)
 *   --resolver FOLDER  or read them from a server's folder of claims
 */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { hasOwnAccounts, liveClaims, proveIsolation, renderReport } from "@bulkhead/accounts"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { connect, credsAuthenticator } from "@nats-io/transport-node"
import { Console, Effect, type Scope } from "effect"
import { DevError } from "./DevError.ts"
import { startPlatform } from "./Platform.ts"
import { temporaryFolder } from "./temporaryFolder.ts"

interface Claims {
  /** The text of `operator.conf`. */
  readonly operatorConfig: string
  readonly accounts: ReadonlyArray<string>
}

const read = (file: string) =>
  Effect.try({
    try: () => readFileSync(file, "utf8"),
    catch: () => new DevError({ problem: `"${file}" cannot be read`, nextStep: "Name a file that this user may read" })
  })

const live = Effect.fnUntraced(function* (url: string, creds: string, operator: string) {
  const authenticator = credsAuthenticator(new TextEncoder().encode(yield* read(creds)))
  const system = yield* Effect.acquireRelease(
    Effect.tryPromise({
      try: () => connect({ servers: url, authenticator, inboxPrefix: "_INBOX_auditor", maxReconnectAttempts: 0 }),
      catch: (cause) => new DevError({ problem: `${url}: ${cause}`, nextStep: "Check the server and the credentials" })
    }),
    (connection) => Effect.promise(() => connection.close())
  )
  return { operatorConfig: yield* read(operator), accounts: yield* liveClaims(system) }
})

const fromResolver = Effect.fnUntraced(function* (folder: string, operator: string) {
  const files = yield* Effect.try({
    try: () => readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".jwt")),
    catch: () => new DevError({ problem: `"${folder}" cannot be read`, nextStep: "Name a server's folder of claims" })
  })
  return {
    operatorConfig: yield* read(operator),
    accounts: yield* Effect.forEach(files, (name) => read(join(folder, name)))
  }
})

const fresh = Effect.gen(function* () {
  const folder = yield* temporaryFolder("prove")
  const onProgress = (line: string) => console.error(`prove: ${line} …`)
  const platform = yield* startPlatform({ folder, reset: false, trafficPerSecond: 1, tls: false, onProgress })
  const { installation } = platform.folder
  return yield* live(
    platform.servers.natsEnvironment.NATS_URL,
    join(installation, "auditor.creds"),
    join(installation, "operator.conf")
  )
})

const claims = Effect.gen(function* (): Effect.fn.Return<Claims, unknown, Scope.Scope> {
  const { values } = parseArgs({
    options: {
      operator: { type: "string" },
      url: { type: "string" },
      creds: { type: "string" },
      resolver: { type: "string" }
    }
  })
  const { operator, url, creds, resolver } = values
  if (operator === undefined && url === undefined && resolver === undefined) return yield* fresh
  if (operator !== undefined && resolver !== undefined) return yield* fromResolver(resolver, operator)
  if (operator !== undefined && url !== undefined && creds !== undefined) return yield* live(url, creds, operator)
  return yield* new DevError({
    problem: "the options do not say where the claims are",
    nextStep: "Give --operator with --resolver, or with --url and --creds, or no option at all"
  })
})

const valueIn = (config: string, pattern: RegExp): string => pattern.exec(config)?.[1] ?? ""

const prove = Effect.gen(function* () {
  const { operatorConfig, accounts } = yield* claims
  // The two preloaded accounts are the system's and then the platform's.
  const own = [...operatorConfig.matchAll(/^\s+(A[A-Z2-7]{55}): /gm)].map(([, account = ""]) => account)
  const [systemAccount = "", platformAccount = ""] = own
  if (own.length !== 2 || !hasOwnAccounts({ accounts, systemAccount, platformAccount })) {
    return yield* new DevError({
      problem: `among ${accounts.length} accounts' claims are not both of those that the operator's configuration names`,
      nextStep: "Without them nothing is proved: take the configuration and the claims of one installation"
    })
  }
  const report = proveIsolation({
    operator: valueIn(operatorConfig, /^operator: (\S+)/m),
    systemAccount: valueIn(operatorConfig, /^system_account: (\S+)/m),
    platformAccount,
    accounts
  })
  yield* Console.log(renderReport(report))
  process.exitCode = report.findings.some(({ severity }) => severity === "leak") ? 1 : 0
}).pipe(Effect.scoped)

prove.pipe(
  Effect.tapError((error) => Console.error(`prove: ${error instanceof Error ? error.message : error}`)),
  NodeRuntime.runMain({ disableErrorReporting: true })
)
