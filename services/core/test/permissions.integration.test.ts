/** Core's NATS user has no permission too many: without any one of them, something named is refused. */
import {
  credentialsWithout,
  permissionsOf,
  refusedSubjects,
  startServers,
  startSigner
} from "@bulkhead/account-signer/testing"
import { subjectMatches, type TenantSlug } from "@bulkhead/channels"
import { waitUntil } from "@bulkhead/devstack"
import { TENANT_PREFIX_ENABLED } from "@bulkhead/flags"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect } from "effect"
import { ocsfEvent } from "../testing/events.ts"
import { connectAs, issue, publish, startCoreOn } from "../testing/lifecycleHarness.ts"

type Api = Effect.Success<ReturnType<typeof startCoreOn>>
type Servers = Effect.Success<ReturnType<typeof startServers>>

/** What core does in a tenant's life; each step goes as far as the missing permission lets it. */
const liveOnce = Effect.fnUntraced(function* (servers: Servers, api: Api, slug: TenantSlug) {
  const params = { slug }
  const step = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.timeoutOption(Effect.exit(effect), "3 seconds")
  yield* step(api.tenants.create({ payload: { slug, name: slug, plan: "free" } }))
  yield* step(
    Effect.scoped(
      Effect.gen(function* () {
        const collector = yield* connectAs(servers, yield* issue(api, slug))
        yield* publish(collector, "events.x", ocsfEvent(slug, 1))
      })
    )
  )
  yield* step(
    waitUntil(
      "the row",
      Effect.map(api.health.get({ params }), ({ rowsWritten }) => rowsWritten > 0),
      "2 seconds"
    )
  )
  yield* step(api.replays.request({ params, payload: { from: { time: yield* DateTime.now } } }))
  yield* step(api.streams.lag({ query: {} }))
  yield* step(api.streams.compare({ query: {} }))
  yield* step(api.tenants.change({ params, payload: { plan: "pro" } }))
  const flag = { params: { key: TENANT_PREFIX_ENABLED.key } }
  yield* step(api.flags.change({ ...flag, payload: { target: { kind: "tenant", tenant: slug }, value: "true" } }))
  yield* step(api.tenants.delete({ params }))
})

const allowed = permissionsOf("core")

/** Publishers put no prefix before the subject where the flag is off, and the default tenant owns such subjects. */
const environmentFor = (permission: string | undefined): Record<string, string> =>
  permission?.startsWith("events.") === true ? { NATS_TENANT_PREFIX_ENABLED: "false" } : {}

describe("core's permissions", () => {
  it.live(
    "suffice for the life of a tenant, and none is too many",
    () =>
      Effect.gen(function* () {
        const servers = yield* startServers()
        yield* startSigner(servers)
        for (const [index, permission] of [undefined, ...allowed].entries()) {
          const { subjects, layer } = refusedSubjects()
          const isRefused = Effect.sync(() =>
            subjects.some((subject) => permission !== undefined && subjectMatches(permission, subject))
          )
          yield* Effect.gen(function* () {
            const file = yield* credentialsWithout(servers, "core", permission)
            const change = { NATS_CREDS_FILE: file, ...environmentFor(permission), CORE_PROVISION_WAIT_MS: "2000" }
            yield* liveOnce(servers, yield* startCoreOn(servers, change), `tenant-${index}` as TenantSlug)
          }).pipe(
            Effect.exit,
            // As soon as it shows there is nothing more to see.
            permission === undefined
              ? (whole) => whole
              : Effect.raceFirst(waitUntil(`without ${permission} something is refused`, isRefused)),
            Effect.scoped,
            Effect.provide(layer)
          )
          if (permission === undefined) assert.deepStrictEqual(subjects, [])
          else yield* waitUntil(`without ${permission} something is refused`, isRefused, "1 second")
        }
      }),
    300_000
  )
})
