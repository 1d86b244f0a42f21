import type { TenantSlug } from "@bulkhead/channels"
import { assert, describe, it } from "@effect/vitest"
import {
  type Account,
  decode,
  type Export,
  encodeAccount,
  encodeActivation,
  type Import,
  type SigningKey
} from "@nats-io/jwt"
import { Effect } from "effect"
import {
  type Finding,
  type InstallationKeys,
  makeInstallation,
  makeTenantKeys,
  NKey,
  PLANS,
  proveIsolation,
  renderReport,
  signPlatform,
  signTenantAccount,
  type TenantKeys
} from "../src/index.ts"
import { connectWith, makeTenantUser, startInstallation } from "../testing/installation.ts"

type Claims = Partial<Account> & { mappings?: Record<string, ReadonlyArray<{ subject: string }>> }

/** An installation of three tenants whose claims a test may change before they are signed again. */
const build = async (
  change: Partial<
    Record<"acme" | "globex" | "PLATFORM" | "SYS", (claims: Claims, keys: Keys) => Claims | Promise<Claims>>
  >,
  more: (keys: Keys) => Promise<ReadonlyArray<string>> = async () => []
) => {
  const installation = await makeInstallation("test", NKey.make("operator"))
  const keys: Keys = { installation, acme: makeTenantKeys(), globex: makeTenantKeys(), initech: makeTenantKeys() }
  const platform = await signPlatform(installation)
  const tenant = (slug: "acme" | "globex" | "initech") =>
    signTenantAccount({ tenant: slug as TenantSlug, limits: PLANS.pro }, keys[slug], installation)
  const signed = {
    SYS: platform.system,
    PLATFORM: platform.platform,
    acme: await tenant("acme"),
    globex: await tenant("globex"),
    initech: await tenant("initech")
  }
  const accounts: Array<string> = []
  for (const [name, jwt] of Object.entries(signed)) {
    const changed = change[name as keyof typeof change]
    accounts.push(changed === undefined ? jwt : await resigned(jwt, (claims) => changed(claims, keys), installation))
  }
  return proveIsolation({
    operator: installation.operatorClaims,
    accounts: [...accounts, ...(await more(keys))],
    systemAccount: installation.system.publicKey,
    platformAccount: installation.platform.publicKey
  })
}

interface Keys {
  readonly installation: InstallationKeys
  readonly acme: TenantKeys
  readonly globex: TenantKeys
  readonly initech: TenantKeys
}

const resigned = async (jwt: string, change: (claims: Claims) => Claims | Promise<Claims>, keys: InstallationKeys) => {
  const { sub, name, nats } = decode<Claims>(jwt)
  const signer = { signer: keys.operatorSigning.signer }
  return encodeAccount(name, sub, (await change(nats)) as Partial<Account>, signer)
}

const token = (keys: Keys, account: string, kind: "service" | "stream", subject: string, exp?: number) =>
  encodeActivation(
    "t",
    account,
    keys.installation.platform.publicKey,
    kind,
    { subject, kind },
    {
      signer: keys.installation.platform.signing.signer,
      ...(exp === undefined ? {} : { exp })
    }
  )

/** An import of the platform with a good token. */
const importOf = async (
  keys: Keys,
  account: string,
  type: "service" | "stream",
  subject: string,
  local: string
): Promise<Import> => ({
  name: "planted",
  type,
  subject,
  account: keys.installation.platform.publicKey,
  local_subject: local,
  token: await token(keys, account, type, subject)
})

const adding = (claims: Claims, entry: Import): Claims => ({ ...claims, imports: [...(claims.imports ?? []), entry] })
const exporting = (claims: Claims, entry: Export): Claims => ({
  ...claims,
  exports: [...(claims.exports ?? []), entry]
})

interface Planted {
  readonly name: string
  readonly change: Parameters<typeof build>[0]
  readonly more?: (keys: Keys) => Promise<ReadonlyArray<string>>
  readonly expected: Pick<Finding, "severity" | "kind" | "from" | "to"> & { readonly path: RegExp }
}

const leak = (kind: Finding["kind"], from: string, to: string, path: RegExp) =>
  ({ severity: "leak", kind, from, to, path }) as const
const warning = (kind: Finding["kind"], from: string, to: string, path: RegExp) =>
  ({ severity: "warning", kind, from, to, path }) as const

/** A leak of every kind: to plant another, add an entry. */
const planted: ReadonlyArray<Planted> = [
  {
    name: "an import of another tenant's prefix under an ordinary local subject",
    change: {
      globex: async (claims, keys) =>
        adding(claims, await importOf(keys, keys.globex.publicKey, "service", "acme.events.>", "events.acme.>"))
    },
    expected: leak(
      "publish",
      "globex",
      "acme",
      /globex role collector → events\.> → import "planted" → PLATFORM acme\.events\.>/
    )
  },
  {
    name: "an import that spans all tenants",
    change: {
      globex: async (claims, keys) =>
        adding(claims, await importOf(keys, keys.globex.publicKey, "service", "*.logs.>", "logs.*.>"))
    },
    expected: leak("publish", "globex", "initech", /PLATFORM \*\.logs\.>/)
  },
  {
    name: "a stream of another tenant",
    change: {
      globex: async (claims, keys) =>
        adding(claims, await importOf(keys, keys.globex.publicKey, "stream", "acme.alerts.>", "platform.acme.>"))
    },
    expected: leak("read", "globex", "acme", /role viewer → platform\.> ← import "planted" ← PLATFORM acme\.alerts\.>/)
  },
  {
    name: "a stream of all tenants",
    change: {
      globex: async (claims, keys) =>
        adding(claims, await importOf(keys, keys.globex.publicKey, "stream", "*.alerts.>", "platform.all.>"))
    },
    expected: leak("read", "globex", "acme", /\*\.alerts\.>/)
  },
  {
    name: "a service of the platform that is no tenant's",
    change: {
      PLATFORM: (claims) => exporting(claims, { name: "api", subject: "$JS.API.>", type: "service", token_req: true }),
      globex: async (claims, keys) =>
        adding(claims, await importOf(keys, keys.globex.publicKey, "service", "$JS.API.>", "events.api.>"))
    },
    expected: leak("publish", "globex", "PLATFORM", /\$JS\.API\.>/)
  },
  {
    name: "a service exported to whoever imports it",
    change: { PLATFORM: (claims) => exporting(claims, { name: "open", subject: "open.>", type: "service" }) },
    expected: leak("open-export", "anybody", "PLATFORM", /exports service "open\.>"/)
  },
  {
    name: "an open service that is imported",
    change: {
      PLATFORM: (claims) => exporting(claims, { name: "open", subject: "acme.>", type: "service" }),
      globex: (claims, keys) =>
        adding(claims, {
          name: "planted",
          type: "service",
          subject: "acme.>",
          account: keys.installation.platform.publicKey,
          local_subject: "flows.>"
        })
    },
    expected: leak("publish", "globex", "acme", /flows\.> → import "planted" → PLATFORM acme\.>/)
  },
  {
    name: "a tenant's export that another imports",
    change: {
      acme: (claims) => exporting(claims, { name: "own", subject: "events.>", type: "stream", token_req: false }),
      globex: (claims, keys) =>
        adding(claims, {
          name: "planted",
          type: "stream",
          subject: "events.>",
          account: keys.acme.publicKey,
          local_subject: "platform.stolen.>"
        })
    },
    expected: leak("read", "globex", "acme", /← acme events\.>/)
  },
  {
    name: "a chain of services through a third tenant",
    change: {
      acme: async (claims) => exporting(claims, { name: "in", subject: "sweep.in.>", type: "service" }),
      globex: (claims, keys) =>
        adding(claims, {
          name: "first",
          type: "service",
          subject: "sweep.in.>",
          account: keys.acme.publicKey,
          local_subject: "telemetry.out.>"
        })
    },
    expected: leak(
      "publish",
      "globex",
      "acme",
      /import "first" → acme sweep\.in\.> → import "sweep" → PLATFORM acme\.sweep\.in\.>/
    )
  },
  {
    name: "a mapping of the platform's into another tenant",
    change: {
      PLATFORM: (claims) => ({ ...claims, mappings: { "globex.events.>": [{ subject: "acme.events.>" }] } })
    },
    expected: leak("publish", "globex", "acme", /PLATFORM globex\.events\.> → mapping → acme\.events\.>/)
  },
  {
    name: "one weighted target of a mapping among several",
    change: {
      PLATFORM: (claims) => ({
        ...claims,
        mappings: { "globex.logs.*": [{ subject: "globex.logs.$1" }, { subject: "initech.logs.$1" }] }
      })
    },
    expected: leak("publish", "globex", "initech", /mapping → initech\.logs\.\*/)
  },
  {
    name: "a mapping that takes a token apart",
    change: {
      PLATFORM: (claims) => ({ ...claims, mappings: { "globex.logs.*": [{ subject: "{{split(1,-)}}.logs.x" }] } })
    },
    expected: leak("publish", "globex", "initech", /mapping → >$/)
  },
  {
    name: "a stream of a tenant that the platform takes into another's prefix",
    change: {
      globex: (claims) => exporting(claims, { name: "own", subject: "loot.>", type: "stream" }),
      PLATFORM: (claims, keys) =>
        adding(claims, {
          name: "planted",
          type: "stream",
          subject: "loot.>",
          account: keys.globex.publicKey,
          local_subject: "acme.events.>"
        })
    },
    expected: leak(
      "publish",
      "globex",
      "acme",
      /PLATFORM acme\.events\.> ← import "planted" of stream "loot\.>" ← globex/
    )
  },
  {
    name: "a service of a tenant that hears what the platform says",
    change: {
      globex: (claims) => exporting(claims, { name: "own", subject: "ear.>", type: "service" }),
      PLATFORM: (claims, keys) =>
        adding(claims, {
          name: "planted",
          type: "service",
          subject: "ear.>",
          account: keys.globex.publicKey,
          local_subject: "bulkhead.signer.>"
        })
    },
    expected: leak("read", "globex", "PLATFORM", /PLATFORM bulkhead\.signer\.> ← import "planted"/)
  },
  {
    name: "a stream of a tenant in the system account",
    change: {
      globex: (claims) => exporting(claims, { name: "own", subject: "loot.>", type: "stream" }),
      SYS: (claims, keys) =>
        adding(claims, {
          name: "planted",
          type: "stream",
          subject: "loot.>",
          account: keys.globex.publicKey,
          local_subject: "$SYS.>"
        })
    },
    expected: leak("publish", "globex", "SYS", /SYS \$SYS\.> ←/)
  },
  {
    name: "an import of the system account",
    change: {
      SYS: (claims) => exporting(claims, { name: "sys", subject: "$SYS.REQ.>", type: "service", token_req: false }),
      globex: (claims, keys) =>
        adding(claims, {
          name: "planted",
          type: "service",
          subject: "$SYS.REQ.>",
          account: keys.installation.system.publicKey,
          local_subject: "events.sys.>"
        })
    },
    expected: leak("publish", "globex", "SYS", /SYS \$SYS\.REQ\.>/)
  },
  {
    name: "two accounts of one slug",
    change: {},
    more: async (keys) => [
      await signTenantAccount({ tenant: "acme" as TenantSlug, limits: PLANS.pro }, makeTenantKeys(), keys.installation)
    ],
    expected: leak("same-slug", "acme", "acme", /are both acme/)
  },
  {
    name: "an account that another operator signed",
    change: {},
    more: async () => {
      const other = await makeInstallation("other", NKey.make("operator"))
      return [await signTenantAccount({ tenant: "acme" as TenantSlug, limits: PLANS.pro }, makeTenantKeys(), other)]
    },
    expected: warning("foreign-signature", "acme", "", /are signed by O/)
  },
  {
    name: "claims that were edited",
    change: {},
    more: async (keys) => {
      const good = await signTenantAccount(
        { tenant: "hooli" as TenantSlug, limits: PLANS.pro },
        makeTenantKeys(),
        keys.installation
      )
      return [`${good.slice(0, -4)}AAAA`]
    },
    expected: warning("unreadable", "?", "", /wrong signature/)
  },
  {
    name: "a signing key without a scope",
    change: { globex: (claims) => ({ ...claims, signing_keys: [NKey.make("account").publicKey] }) },
    expected: warning("unscoped-key", "globex", "", /may do anything/)
  },
  {
    name: "a token that has expired",
    change: {
      globex: async (claims, keys) => {
        const entry = await importOf(keys, keys.globex.publicKey, "service", "acme.events.>", "events.acme.>")
        return adding(claims, {
          ...entry,
          token: await token(keys, keys.globex.publicKey, "service", "acme.events.>", 1_000)
        })
      }
    },
    expected: warning("dead-import", "globex", "", /its token has expired/)
  },
  {
    name: "a token that was revoked",
    change: {
      PLATFORM: (claims, keys) => ({
        ...claims,
        exports: (claims.exports ?? []).map((one) => ({
          ...one,
          revocations: { [keys.globex.publicKey]: 4_000_000_000 }
        }))
      })
    },
    expected: warning("dead-import", "globex", "", /its token was revoked/)
  },
  {
    name: "a token of somebody else",
    change: {
      globex: async (claims, keys) => {
        const entry = await importOf(keys, keys.acme.publicKey, "service", "acme.events.>", "events.acme.>")
        return adding(claims, entry)
      }
    },
    expected: warning("dead-import", "globex", "", /its token is for another account/)
  },
  {
    name: "a limit that is not written down",
    change: { globex: ({ limits: { conn: _, ...limits } = {}, ...claims }) => ({ ...claims, limits }) },
    expected: warning("no-limits", "globex", "", /conn are not written down/)
  },
  {
    name: "an import that shows its client",
    change: {
      globex: ({ imports: [first, ...rest] = [], ...claims }) =>
        first === undefined ? claims : { ...claims, imports: [{ ...first, share: true }, ...rest] }
    },
    expected: warning("trace", "globex", "", /shows who the client is/)
  }
]

const matching = (finding: Finding, { path, ...expected }: Planted["expected"]): boolean =>
  path.test(finding.path) &&
  finding.severity === expected.severity &&
  finding.kind === expected.kind &&
  finding.from === expected.from &&
  finding.to === expected.to

describe("the proof", () => {
  it("finds no leak and nothing to warn of in an installation as it is made", async () => {
    const report = await build({})
    assert.deepStrictEqual(report.findings, [])
    const text = renderReport(report)
    assert.match(text, /^from \\ to +acme +globex +initech +PLATFORM\nacme +=.*·/)
    assert.match(text, /3 tenants, 0 leaks, 0 warnings$/)
  })

  for (const { name, change, more, expected } of planted) {
    it(`finds ${name}`, async () => {
      const report = await build(change, more)
      const text = renderReport(report)
      assert.isTrue(
        report.findings.some((finding) => matching(finding, expected)),
        text
      )
      if (expected.severity === "leak" && (expected.kind === "publish" || expected.kind === "read")) {
        const [columns = "", ...rows] = text.split("\n")
        const row = rows.find((line) => line.startsWith(`${expected.from} `)) ?? ""
        assert.include(row.slice(columns.indexOf(expected.to)).split(" ")[0], expected.kind === "publish" ? "P" : "R")
      }
      if (expected.severity === "warning") {
        assert.deepStrictEqual(
          report.findings.filter(({ severity }) => severity === "leak"),
          []
        )
      }
    })
  }

  it("takes seconds for a thousand tenants", { timeout: 60_000 }, async () => {
    const keys = await makeInstallation("test", NKey.make("operator"))
    const { system, platform } = await signPlatform(keys)
    const accounts = [system, platform]
    for (let index = 0; index < 1_000; index++) {
      accounts.push(
        await signTenantAccount({ tenant: `t${index}` as TenantSlug, limits: PLANS.free }, makeTenantKeys(), keys)
      )
    }
    const report = proveIsolation({
      operator: keys.operatorClaims,
      accounts,
      systemAccount: keys.system.publicKey,
      platformAccount: keys.platform.publicKey
    })
    assert.match(renderReport(report), /^1000 tenants, 0 leaks, 0 warnings$/)
  })
})

/** Roles that may publish anything: every local subject of theirs is taken by the bridge otherwise. */
const widened = (claims: Claims): Claims => ({
  ...claims,
  signing_keys: (claims.signing_keys as Array<SigningKey>).map((role) => ({
    ...role,
    template: { ...role.template, pub: { allow: [">"] } }
  }))
})

describe("the proof and a server", () => {
  it.live("agree on who gets through: an import with a good token does, one with another's token does not", () =>
    Effect.gen(function* () {
      const installation = yield* startInstallation()
      const { keys } = installation
      yield* installation.onboard("acme")
      const tryOut = Effect.fnUntraced(function* (slug: string, tokenFor?: string) {
        const globex = yield* installation.onboard(slug)
        const all = { installation: keys, acme: globex.keys, globex: globex.keys, initech: globex.keys }
        const account = tokenFor ?? globex.keys.publicKey
        const entry = yield* Effect.promise(() => importOf(all, account, "service", "acme.events.>", "leak.>"))
        const jwt = yield* Effect.promise(() =>
          resigned(globex.claims, (claims) => adding(widened(claims), entry), keys)
        )
        const report = proveIsolation({
          operator: keys.operatorClaims,
          accounts: [installation.claims.system, installation.claims.platform, jwt],
          systemAccount: keys.system.publicKey,
          platformAccount: keys.platform.publicKey,
          tenants: new Map([[globex.keys.publicKey, slug]])
        })
        const before = yield* installation.stored("acme")
        yield* Effect.ignore(installation.servers.push(jwt))
        const user = yield* makeTenantUser(globex.keys, "collector-1", "collector")
        const client = yield* connectWith(installation.server.url, user)
        yield* Effect.promise(() => client.request("leak.x", "{}", { timeout: 1_000 }).catch(() => undefined))
        const arrived = (yield* installation.stored("acme")) > before
        return { arrived, isLeak: report.findings.some(({ severity }) => severity === "leak") }
      })
      assert.deepStrictEqual(yield* tryOut("globex"), { arrived: true, isLeak: true })
      assert.deepStrictEqual(yield* tryOut("initech", makeTenantKeys().publicKey), { arrived: false, isLeak: false })
    })
  )
})
