/** Each wall is opened once, by a mistake in claims that servers cannot see, and what leans against it says so. */
import { signPlatform } from "@bulkhead/accounts"
import { startInstallation } from "@bulkhead/accounts/testing"
import type { TenantSlug } from "@bulkhead/channels"
import { subjectMatches } from "@bulkhead/channels"
import { startNatsServer } from "@bulkhead/devstack"
import { assert, describe, it } from "@effect/vitest"
import { type Account, decode, type Export, encodeAccount, encodeActivation, type SigningKey } from "@nats-io/jwt"
import { Effect } from "effect"
import { harmless, wallsOf } from "../src/canary/walls.ts"

const ATTACKER = "bulkhead-canary-a"
const VICTIM = "bulkhead-canary-b" as TenantSlug

/** What is exported by mistake, and what of it the attacker imports under the same name. */
interface Mistake {
  readonly of: "platform" | "system"
  readonly type: "service" | "stream"
  readonly exported: string
  readonly imported: string
}

const MISTAKES: Readonly<Record<string, Mistake>> = {
  publish: { of: "platform", type: "service", exported: "*.events.>", imported: `${VICTIM}.events.>` },
  subscribe: { of: "platform", type: "stream", exported: "*.events.>", imported: `${VICTIM}.events.>` },
  jetstream: { of: "platform", type: "service", exported: "$JS.API.>", imported: "$JS.API.>" },
  system: { of: "system", type: "service", exported: "$SYS.REQ.CLAIMS.LIST", imported: "$SYS.REQ.CLAIMS.LIST" },
  signer: { of: "platform", type: "service", exported: "bulkhead.signer.v1.*", imported: "bulkhead.signer.v1.*" }
}

type Change = (claims: Partial<Account>) => Partial<Account> | Promise<Partial<Account>>

const start = Effect.gen(function* () {
  const installation = yield* startInstallation()
  const attacker = yield* installation.onboard(ATTACKER)
  const victim = yield* installation.onboard(VICTIM)
  // What the signer would say to whoever reaches it.
  installation.platform.subscribe("bulkhead.signer.v1.*", { callback: (_, message) => void message.respond("{}") })
  const platformClaims = yield* Effect.promise(() => signPlatform(installation.keys))

  const pushChanged = (jwt: string, change: Change) =>
    Effect.flatMap(
      Effect.promise(async () => {
        const { name = "", sub, nats } = decode<Account>(jwt)
        const signer = { signer: installation.keys.operatorSigning.signer }
        return encodeAccount(name, sub, await change(nats), signer)
      }),
      installation.servers.push
    )

  const open = Effect.fnUntraced(function* ({ of, type, exported, imported }: Mistake) {
    const account = installation.keys[of]
    const mistake: Export = { name: "mistake", type, subject: exported, token_req: true }
    yield* pushChanged(platformClaims[of], ({ exports = [], ...claims }) => ({
      ...claims,
      // In the place of what it takes in: a server refuses claims whose exports of one type overlap.
      exports: [...exports.filter((one) => one.type !== type || !subjectMatches(exported, one.subject)), mistake]
    }))
    const token = yield* Effect.promise(() =>
      encodeActivation(
        "mistake",
        attacker.keys.publicKey,
        account.publicKey,
        type,
        { subject: imported, kind: type },
        { signer: account.signing.signer }
      )
    )
    const entry = {
      name: "mistake",
      type,
      subject: imported,
      account: account.publicKey,
      local_subject: imported,
      token
    }
    yield* pushChanged(attacker.claims, ({ imports = [], signing_keys = [], ...claims }) => ({
      ...claims,
      imports: [...imports, entry],
      // Its roles may use every subject: the import is all that is open.
      signing_keys: (signing_keys as Array<SigningKey>).map((role) => ({
        ...role,
        template: { ...role.template, pub: { allow: [">"] }, sub: { allow: [">"] } }
      }))
    }))
  })

  const sayToVictim = async (text: string) => {
    installation.platform.publish(`${VICTIM}.events.ocsf.processed`, text, { headers: harmless() })
    await installation.platform.flush()
  }

  const lean = Effect.fnUntraced(function* (wall: string) {
    const pair = {
      attacker: yield* attacker.connectAs("collector"),
      eavesdropper: yield* attacker.connectAs("service"),
      victim: yield* victim.connectAs("collector"),
      victimSlug: VICTIM,
      sayToVictim
    }
    return yield* Effect.promise(async () => wallsOf([installation.server.url], undefined)[wall]?.(pair))
  }, Effect.scoped)

  return { installation, open, lean }
})

describe("the walls that the canary leans against", () => {
  for (const [wall, mistake] of Object.entries(MISTAKES)) {
    it.live(`hold, and give evidence when ${wall} is open`, () =>
      Effect.gen(function* () {
        const { open, lean } = yield* start
        assert.isUndefined(yield* lean(wall))
        yield* open(mistake)
        assert.isString(yield* lean(wall))
      })
    )
  }

  it.live("hold, and give evidence when a server lets strangers in", () =>
    Effect.gen(function* () {
      const { installation, lean } = yield* start
      assert.isUndefined(yield* lean("credentials"))
      const trusting = yield* startNatsServer({ name: "trusting" })
      const pair = {
        attacker: installation.platform,
        eavesdropper: installation.platform,
        victim: installation.platform,
        victimSlug: VICTIM,
        sayToVictim: () => Promise.resolve()
      }
      const evidence = yield* Effect.promise(async () => wallsOf([trusting.url], undefined).credentials?.(pair))
      assert.match(evidence ?? "", /a stranger signed got in/)
    })
  )

  it("are all tried here", () => {
    assert.sameMembers(Object.keys(wallsOf([], undefined)), [...Object.keys(MISTAKES), "credentials"])
  })
})
