/**
 * What is made here is the common format: NATS' own tools read it. Without them, as on most machines, what they look at
 * is checked all the same.
 */
import { spawnSync } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { fromPublic } from "@nats-io/nkeys"
import { Effect, Redacted } from "effect"
import { credsFile, type TenantRole } from "../src/index.ts"
import { startInstallation, type TestUser, temporaryFolder } from "../testing/installation.ts"

/** What the tool says, on both of its outputs. Throws when it is not content. */
const runTool = (tool: string, args: ReadonlyArray<string>): string => {
  const { status, stdout, stderr } = spawnSync(tool, args, { encoding: "utf8" })
  if (status !== 0) throw new Error(`${tool} ${args.join(" ")}: ${stderr}`)
  return stdout + stderr
}

const isMissing = (tool: string): boolean => spawnSync(tool, ["--version"]).error !== undefined

/** An installation with one tenant, and the files that an operator would have of it. */
const start = Effect.gen(function* () {
  const installation = yield* startInstallation()
  const acme = yield* installation.onboard("acme")
  const folder = yield* temporaryFolder
  const write = (name: string, text: string) => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }
  const creds = (name: string, user: TestUser) => write(name, Redacted.value(credsFile(user.claims, user.key)))
  const tenantCreds = (role: TenantRole) => Effect.map(acme.user(role), (user) => creds(`${role}.creds`, user))
  return {
    installation,
    folder,
    acme,
    claims: {
      operator: write("operator.jwt", installation.keys.operatorClaims),
      SYS: write("SYS.jwt", installation.claims.system),
      PLATFORM: write("PLATFORM.jwt", installation.claims.platform),
      acme: write("acme.jwt", acme.claims)
    },
    texts: {
      operator: installation.keys.operatorClaims,
      account: acme.claims,
      user: (yield* acme.user("collector")).claims
    },
    collector: yield* tenantCreds("collector"),
    system: creds("system.creds", yield* installation.platformUser("operator", "system"))
  }
})

const part = (text = ""): Record<string, unknown> => JSON.parse(Buffer.from(text, "base64url").toString())

describe("the common format", () => {
  it.live("is that of claims of version 2, whose signature another implementation verifies", () =>
    Effect.gen(function* () {
      const { texts } = yield* start
      for (const [type, jwt] of Object.entries(texts)) {
        const [header, body, signature = ""] = jwt.split(".")
        assert.deepStrictEqual(part(header), { typ: "JWT", alg: "ed25519-nkey" })
        const { iss, nats } = part(body) as { iss: string; nats: Record<string, unknown> }
        assert.deepInclude(nats, { type, version: 2 })
        const signed = new TextEncoder().encode(`${header}.${body}`)
        assert.isTrue(fromPublic(iss).verify(signed, Buffer.from(signature, "base64url")), type)
      }
    })
  )

  it.live("is that of .creds files: claims, then the seed of the key that they name", () =>
    Effect.gen(function* () {
      const { collector } = yield* start
      const text = readFileSync(collector, "utf8")
      assert.match(
        text,
        /^-----BEGIN NATS USER JWT-----\n[\w-]+\.[\w-]+\.[\w-]+\n------END NATS USER JWT------\n[\s\S]*\n-----BEGIN USER NKEY SEED-----\nSU[A-Z2-7]{56}\n------END USER NKEY SEED------\n/
      )
    })
  )
})

describe.skipIf(isMissing("nsc"))("nsc", () => {
  it.live("imports operator, accounts and users, finds nothing to complain of, and shows roles and bridge", () =>
    Effect.gen(function* () {
      const { claims, collector, folder } = yield* start
      const nsc = (...args: ReadonlyArray<string>) => runTool("nsc", ["--all-dirs", join(folder, "nsc"), ...args])
      nsc("add", "operator", "--url", claims.operator)
      for (const file of [claims.SYS, claims.PLATFORM, claims.acme]) nsc("import", "account", "--file", file)
      nsc("import", "user", "--file", collector)
      assert.lengthOf(nsc("validate", "--all-accounts").match(/No issues found/g) ?? [], 4)
      const account = nsc("describe", "account", "acme")
      for (const shown of [/Role +\| collector/, /acme\.events\.>/, /Max Connections +\| 100/, /Max Exports +\| 0/]) {
        assert.match(account, shown)
      }
      assert.match(nsc("describe", "jwt", "--file", collector), /Issuer Scoped +\| Yes/)
    })
  )
})

describe.skipIf(isMissing("nats"))("nats", () => {
  const as = (url: string, creds: string, ...args: ReadonlyArray<string>) =>
    runTool("nats", ["--server", url, "--creds", creds, ...args])

  it.live("publishes with a tenant's credentials and is answered by its stream", () =>
    Effect.gen(function* () {
      const { collector, installation } = yield* start
      const answer = as(installation.server.url, collector, "request", "--raw", "events.x", "{}")
      assert.match(answer, /"stream": ?"events-acme"/)
      assert.strictEqual(yield* installation.stored("acme"), 1)
    })
  )

  it.live("looks at servers and accounts with the system account's credentials", () =>
    Effect.gen(function* () {
      const { acme, installation, system } = yield* start
      // A server says of an account what it needs itself, and so only when a client of it was there.
      yield* acme.connectAs("collector")
      assert.include(as(installation.server.url, system, "server", "list", "1"), "bulkhead-dev")
      assert.include(as(installation.server.url, system, "server", "account", "info", acme.keys.publicKey), "acme")
    })
  )
})
