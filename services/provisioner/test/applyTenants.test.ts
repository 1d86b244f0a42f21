import { mkdtempSync, readFileSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { TenantSlug } from "@bulkhead/channels"
import type { CoreClient } from "@bulkhead/core/api"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Schema } from "effect"
import { ensureCredential } from "../src/ensureCredential.ts"
import { ensureTenant } from "../src/ensureTenant.ts"
import { readTenantsFile, WantedTenant } from "../src/TenantsFile.ts"

const folder = () => mkdtempSync(join(tmpdir(), "bulkhead-provision-"))
const acme = Schema.decodeUnknownSync(WantedTenant)({
  slug: "acme",
  name: "Acme",
  plan: "pro",
  limits: { eventsPerSecond: 500 }
})

/** Core with one tenant, as far as the API shows it, and what it was asked to change. */
const fakeCore = (tenant: Record<string, unknown> | undefined) => {
  const asked: Array<unknown> = []
  const users: Array<unknown> = []
  const settled = { status: "active", generation: 1, appliedGeneration: 1, limits: {} }
  const api = {
    tenants: {
      create: ({ payload }: { payload: Record<string, unknown> }) =>
        tenant === undefined
          ? Effect.sync(() => {
              asked.push(payload)
              return { ...settled, ...payload }
            })
          : Effect.fail({ _tag: "TenantExistsProblem" }),
      get: () => Effect.succeed({ ...settled, ...tenant }),
      change: ({ payload }: { payload: Record<string, unknown> }) =>
        Effect.sync(() => {
          asked.push(payload)
          return { ...settled, ...tenant }
        })
    },
    credentials: {
      list: () => Effect.succeed(users),
      issue: ({ payload }: { payload: { role: string } }) =>
        Effect.sync(() => {
          asked.push(payload)
          const expiresAt = DateTime.makeUnsafe(Date.now() + 365 * 86_400_000)
          const user = { publicKey: `U${users.length}`, role: payload.role, expiresAt }
          users.push(user)
          return { user, creds: "the seed" }
        })
    }
  }
  return { api: api as unknown as CoreClient, asked, users }
}

describe("apply-tenants", () => {
  it.effect("asks core only for what differs", () =>
    Effect.gen(function* () {
      const fresh = fakeCore(undefined)
      assert.strictEqual(yield* ensureTenant(fresh.api, acme), "acme: created, plan pro")
      const same = fakeCore({ plan: "pro", limits: { eventsPerSecond: 500 } })
      assert.strictEqual(yield* ensureTenant(same.api, acme), "acme: as it should be, plan pro")
      assert.deepStrictEqual(same.asked, [])
      const other = fakeCore({ plan: "free", limits: { eventsPerSecond: 500, connections: 3 } })
      assert.strictEqual(yield* ensureTenant(other.api, acme), "acme: changed, plan pro")
      assert.deepStrictEqual(other.asked, [{ plan: "pro" }])
    })
  )

  it.effect("fails for a tenant that is being deleted, and for one that is not in force yet", () =>
    Effect.gen(function* () {
      const deleting = yield* Effect.flip(ensureTenant(fakeCore({ status: "deleting" }).api, acme))
      assert.include(String(deleting), "is being deleted")
      const waiting = fakeCore({ plan: "pro", limits: { eventsPerSecond: 500 }, generation: 2 })
      assert.include(String(yield* Effect.flip(ensureTenant(waiting.api, acme))), "not in force yet")
    })
  )

  it.live("keeps a credential that is good, and replaces one that was revoked", () =>
    Effect.gen(function* () {
      const core = fakeCore({})
      const path = folder()
      const wanted = { role: "collector", name: "edge", file: "edge/acme.creds", expiresInDays: 365 } as const
      const slug = "acme" as TenantSlug
      yield* ensureCredential(core.api, path, slug, wanted)
      assert.strictEqual(yield* ensureCredential(core.api, path, slug, wanted), "acme: edge/acme.creds is good")
      assert.strictEqual(core.asked.length, 1)
      core.users[0] = { ...(core.users[0] as object), revokedAt: "now" }
      yield* ensureCredential(core.api, path, slug, wanted)
      assert.strictEqual(readFileSync(join(path, wanted.file), "utf8"), "# user U1\nthe seed")
    })
  )

  it.effect("refuses a file that leads out of the credentials folder, or has a name that it does not know", () =>
    Effect.gen(function* () {
      const file = join(folder(), "tenants.json")
      const problemOf = (tenant: object) =>
        Effect.gen(function* () {
          writeFileSync(file, JSON.stringify({ tenants: [{ slug: "acme", name: "Acme", plan: "pro", ...tenant }] }))
          return (yield* Effect.flip(readTenantsFile("PROVISION_TENANTS_FILE", file))).message
        })
      const credential = { role: "collector", name: "edge", file: "../acme.creds" }
      assert.include(yield* problemOf({ credentials: [credential] }), "nothing was changed")
      assert.include(yield* problemOf({ limit: {} }), "limit")
      assert.include(yield* problemOf({ plan: "gold" }), "plan")
    })
  )
})
