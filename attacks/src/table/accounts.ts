/**
 * Accounts that give themselves the victim's subjects. The operator is made to sign and push them, for argument's sake:
 * what holds then are the tokens.
 */
import { NKey, signPlatformUser } from "@bulkhead/accounts"
import { connectWith } from "@bulkhead/accounts/testing"
import { type Account, decode, encodeAccount, encodeActivation, type Import } from "@nats-io/jwt"
import { Effect, Scope } from "effect"
import { type Attack, type Attempt, attack } from "../Attack.ts"

/** The keys of the account that is made. */
interface Evil {
  readonly account: NKey
  readonly signing: NKey
}

type Token = (attempt: Attempt, evil: Evil, subject: string) => Promise<string | undefined>

const SUBJECT = "acme.events.>"

const activation = (
  attempt: Attempt,
  account: string,
  subject: string,
  signer: NKey,
  options: { readonly exp?: number } = {}
) =>
  encodeActivation(
    "events",
    account,
    attempt.world.installation.keys.platform.publicKey,
    "service",
    { subject, kind: "service" },
    {
      signer: signer.signer,
      ...options
    }
  )

const platformKey = ({ world }: Attempt) => world.installation.keys.platform.signing

const importsOf = (claims: string) => decode<Account>(claims).nats.imports ?? []

const TOKENS: Readonly<Record<string, Token>> = {
  "no token": async () => undefined,
  "a token that it signed itself": (attempt, { account, signing }, subject) =>
    activation(attempt, account.publicKey, subject, signing),
  "a token that another tenant's role key signed": (attempt, { account }, subject) =>
    activation(attempt, account.publicKey, subject, attempt.world.attacker.keys.signing.collector),
  "the victim's own token": async ({ world }) =>
    importsOf(world.victim.claims).find(({ subject }) => subject === SUBJECT)?.token,
  "a token for another tenant's prefix": (attempt, { account }) =>
    activation(attempt, account.publicKey, "globex.events.>", platformKey(attempt)),
  "a token whose time is over": (attempt, { account }, subject) =>
    activation(attempt, account.publicKey, subject, platformKey(attempt), { exp: Math.floor(Date.now() / 1_000) - 60 }),
  "a token for another account": (attempt, _, subject) =>
    activation(attempt, NKey.make("account").publicKey, subject, platformKey(attempt)),
  "a token that was edited": async (attempt, { account }, subject) => {
    const good = await activation(attempt, account.publicKey, "globex.events.>", platformKey(attempt))
    const [header, body = "", signature] = good.split(".")
    const claims = JSON.parse(Buffer.from(body, "base64url").toString())
    const widened = { ...claims, nats: { ...claims.nats, subject } }
    return [header, Buffer.from(JSON.stringify(widened)).toString("base64url"), signature].join(".")
  }
}

/** Has the account pushed, connects, and publishes through the import. */
const tryImport = (attempt: Attempt, evil: Evil, entry: Import) =>
  Effect.gen(function* () {
    const { installation } = attempt.world
    const claims: Partial<Account> = { limits, imports: [entry], signing_keys: [evil.signing.publicKey] }
    const jwt = yield* Effect.promise(() =>
      encodeAccount("evil", evil.account.publicKey, claims, { signer: installation.keys.operatorSigning.signer })
    )
    yield* installation.servers.push(jwt)
    const key = NKey.make("user")
    const user = { name: "evil", publicKey: key.publicKey, expiresAt: new Date(Date.now() + 3_600_000) }
    const account = { publicKey: evil.account.publicKey, signing: evil.signing }
    const own = yield* Effect.promise(() => signPlatformUser(user, everything, account))
    const connection = yield* connectWith(installation.server.url, { claims: own, key })
    const reply = yield* Effect.tryPromise(() => connection.request("stolen.x", "{}", { timeout: 500 }))
    attempt.got(`the import answered ${reply.string()}`)
  }).pipe(Effect.exit, Scope.provide(attempt.world.scope), Effect.runPromise)

/** What is left out of limits is none. */
const limits = { conn: -1, leaf: -1, subs: -1, data: -1, payload: -1, imports: -1, exports: -1, wildcards: true }
const everything = { pub: { allow: [">"] }, sub: { allow: [">"] } }

const importing = (what: string, token: Token, subject = SUBJECT) =>
  attack(
    what,
    async (attempt) => {
      const evil = { account: NKey.make("account"), signing: NKey.make("account") }
      const signed = await token(attempt, evil, subject)
      const entry: Import = {
        name: "stolen",
        subject,
        type: "service",
        account: attempt.world.installation.keys.platform.publicKey,
        local_subject: "stolen.>",
        ...(signed === undefined ? {} : { token: signed })
      }
      await tryImport(attempt, evil, entry)
    },
    ["direct"]
  )

/** What the platform itself could do by mistake: with a good token the import works, and the judge has to see it. */
export const openImport: Attack = importing(
  "the victim's subjects imported with a good token",
  (attempt, { account }) => activation(attempt, account.publicKey, SUBJECT, platformKey(attempt))
)

export const accounts: ReadonlyArray<Attack> = [
  ...Object.entries(TOKENS).map(([what, token]) => importing(`import the victim's subjects with ${what}`, token)),
  importing(
    "import every tenant's subjects with a token for one",
    (attempt, { account }) =>
      activation(attempt, account.publicKey, SUBJECT.replace("acme", "globex"), platformKey(attempt)),
    "*.events.>"
  ),
  importing("import the platform's JetStream", async () => undefined, "$JS.API.>")
]
