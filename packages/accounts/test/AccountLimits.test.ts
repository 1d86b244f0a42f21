import type { TenantSlug } from "@bulkhead/channels"
import { assert, describe, it } from "@effect/vitest"
import { type Account, decode } from "@nats-io/jwt"
import { Exit, Schema } from "effect"
import {
  AccountLimits,
  accountLimits,
  makeInstallation,
  makeTenantKeys,
  NKey,
  PLANS,
  signTenantAccount
} from "../src/index.ts"

const free = accountLimits(PLANS.free)
const NAMES = Object.keys(free) as ReadonlyArray<keyof AccountLimits>

const isAccepted = (limits: unknown): boolean => Exit.isSuccess(Schema.decodeUnknownExit(AccountLimits)(limits))

/** The limits as they stand in an account's claims. */
const claimsOf = async (limits: AccountLimits, isSuspended = false) => {
  const installation = await makeInstallation("test", NKey.make("operator"))
  const account = { tenant: "acme" as TenantSlug, limits, isSuspended }
  return decode<Account>(await signTenantAccount(account, makeTenantKeys(), installation)).nats.limits
}

describe("limits", () => {
  it.each(NAMES)("know no %s that is missing, null or unlimited by a number", (name) => {
    const { [name]: _, ...without } = free
    for (const limits of [
      without,
      ...[null, undefined, -1, 1.5, "1", ""].map((value) => ({ ...free, [name]: value }))
    ]) {
      assert.isFalse(isAccepted(limits), JSON.stringify(limits))
    }
    assert.isTrue(isAccepted(free))
  })

  it("take 0 as none and a word as unlimited, and a stream has a size", () => {
    const { streamBytes, ...others } = free
    for (const name of Object.keys(others)) {
      for (const value of [0, "unlimited"]) assert.isTrue(isAccepted({ ...free, [name]: value }), `${name} ${value}`)
    }
    for (const value of [0, "unlimited"]) assert.isFalse(isAccepted({ ...free, streamBytes: value }))
  })

  it("are all written into the claims: 0 stays 0, and only the word becomes -1", async () => {
    const none = { connections: 0, leafNodes: 0, subscriptions: 0, payloadBytes: 0 }
    const all = {
      connections: "unlimited",
      leafNodes: "unlimited",
      subscriptions: "unlimited",
      payloadBytes: "unlimited"
    }
    assert.deepInclude(await claimsOf({ ...free, ...none }), { conn: 0, leaf: 0, subs: 0, payload: 0 })
    assert.deepInclude(await claimsOf({ ...free, ...all } as AccountLimits), {
      conn: -1,
      leaf: -1,
      subs: -1,
      payload: -1
    })
    assert.deepInclude(await claimsOf(free), { conn: 10, leaf: 1, subs: 500, payload: 262_144 })
    assert.deepInclude(await claimsOf(free, true), { conn: 0, leaf: 0, subs: 500 })
  })

  it.each(Object.entries(PLANS))(
    "of plan %s leave a tenant no JetStream of its own, no export and no bearer",
    async (_, plan) => {
      const none = { mem_storage: 0, disk_storage: 0, streams: 0, consumer: 0, exports: 0, disallow_bearer: true }
      assert.deepInclude(await claimsOf(plan), none)
    }
  )
})
