/** The signer's NATS users have no permission too many: without any one of them, something named is refused. */
import { PLANS } from "@bulkhead/accounts"
import { subjectMatches, type TenantSlug } from "@bulkhead/channels"
import { waitUntil } from "@bulkhead/devstack"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { PLATFORM_USERS } from "../src/platformUsers.ts"
import {
  connectClient,
  credentialsWithout,
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
  yield* step(signer.ask("remove-account", asked))
})

const allowed = PLATFORM_USERS["signer-system"].permissions.pub?.allow ?? []

describe("the signer's permissions in the system account", () => {
  for (const [index, permission] of [undefined, ...allowed].entries()) {
    it.live(permission === undefined ? "suffice" : `include ${permission}, which is needed`, () =>
      Effect.gen(function* () {
        const servers = yield* startServers()
        const { subjects, layer } = refusedSubjects()
        const isRefused = Effect.sync(() =>
          subjects.some((subject) => permission !== undefined && subjectMatches(permission, subject))
        )
        const work = Effect.gen(function* () {
          const file = yield* credentialsWithout(servers, "signer-system", permission)
          yield* startSigner(servers, { SIGNER_SYSTEM_CREDS_FILE: file })
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
