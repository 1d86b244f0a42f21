/** The signer's NATS users have no permission too many: without any one of them, something named is refused. */
import { readFileSync } from "node:fs"
import { liveClaims, PLANS } from "@bulkhead/accounts"
import { subjectMatches, type TenantSlug } from "@bulkhead/channels"
import { waitUntil } from "@bulkhead/devstack"
import { assert, describe, it } from "@effect/vitest"
import { connect, credsAuthenticator } from "@nats-io/transport-node"
import { Cause, Effect, Exit } from "effect"
import { PLATFORM_USERS } from "../src/platformUsers.ts"
import {
  connectClient,
  credentialsWithout,
  permissionsOf,
  RESPONSES,
  refusedSubjects,
  type Servers,
  startServers,
  startSigner
} from "../testing/signerHarness.ts"

const liveOnce = Effect.fnUntraced(function* (servers: Servers, tenant: TenantSlug) {
  const signer = yield* connectClient(servers)
  const asked = { actor: "test", tenant }
  const step = <A, E>(effect: Effect.Effect<A, E>) => Effect.timeoutOption(Effect.exit(effect), "7 seconds")
  yield* step(signer.ask("ensure-account", { ...asked, limits: PLANS.free, isSuspended: false }))
  yield* step(signer.ask("count-connections", asked))
  yield* step(signer.ask("prove-isolation", { actor: "test" }))
  yield* step(signer.ask("remove-account", asked))
})

/** The environment variable that names the credentials of each of the signer's users. */
const USERS = { "signer-system": "SIGNER_SYSTEM_CREDS_FILE", signer: "SIGNER_PLATFORM_CREDS_FILE" } as const

describe.each(Object.keys(USERS) as Array<keyof typeof USERS>)("the permissions of %s", (name) => {
  for (const [index, permission] of [undefined, ...permissionsOf(name)].entries()) {
    it.live(permission === undefined ? "suffice" : `include ${permission}, which is needed`, () =>
      Effect.gen(function* () {
        const servers = yield* startServers()
        const { subjects, layer } = refusedSubjects()
        // It answers core, into core's inbox.
        const needed = permission === RESPONSES ? `${PLATFORM_USERS.core.inboxPrefix}.>` : permission
        const isRefused = Effect.sync(() =>
          subjects.some((subject) => needed !== undefined && subjectMatches(needed, subject))
        )
        const work = Effect.gen(function* () {
          const file = yield* credentialsWithout(servers, name, permission)
          yield* startSigner(servers, { [USERS[name]]: file })
          yield* liveOnce(servers, `tenant-${index}` as TenantSlug)
        }).pipe(Effect.scoped)
        if (permission === undefined) {
          yield* work.pipe(Effect.provide(layer))
          return assert.deepStrictEqual(subjects, [])
        }
        yield* Effect.raceFirst(work, waitUntil("a refusal", isRefused)).pipe(Effect.provide(layer))
        yield* waitUntil(`without ${permission} something is refused`, isRefused, "1 second")
      })
    )
  }
})

describe("the auditor's permissions", () => {
  const read = Effect.fnUntraced(function* (permission: string | undefined) {
    const servers = yield* startServers()
    yield* startSigner(servers)
    const signer = yield* connectClient(servers)
    const asked = { actor: "test", tenant: "acme" as TenantSlug, limits: PLANS.free, isSuspended: false }
    yield* signer.ask("ensure-account", asked).pipe(Effect.retry({ times: 50 }))
    const creds = readFileSync(yield* credentialsWithout(servers, "auditor", permission))
    const { inboxPrefix } = PLATFORM_USERS.auditor
    const connection = yield* Effect.acquireRelease(
      Effect.promise(() =>
        connect({ servers: servers.nats.url, authenticator: credsAuthenticator(creds), inboxPrefix })
      ),
      (open) => Effect.promise(() => open.close())
    )
    return yield* Effect.exit(liveClaims(connection))
  })

  it.live("suffice to read all claims", () =>
    Effect.gen(function* () {
      const exit = yield* read(undefined)
      assert.lengthOf(Exit.isSuccess(exit) ? exit.value : [], 3)
    })
  )

  it.live.each(permissionsOf("auditor"))("include %s, which is needed", (permission) =>
    Effect.gen(function* () {
      const exit = yield* read(permission)
      const error = Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
      assert.match(String(error), /liveClaims: .* was not answered/)
      const asked = permission.startsWith("$SYS") ? permission : "$SYS.REQ.CLAIMS.LIST"
      const [subject = ""] = /\$SYS\S+/.exec(String(error)) ?? []
      assert.isTrue(subjectMatches(asked, subject), subject)
    })
  )
})
