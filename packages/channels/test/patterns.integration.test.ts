import { startNatsServer } from "@bulkhead/devstack"
import { assert, describe, it } from "@effect/vitest"
import { connect } from "@nats-io/transport-node"
import { Effect } from "effect"
import {
  DEFAULT_TENANT,
  type PrefixMode,
  patternsForAllTenants,
  patternsForTenant,
  subjectMatches,
  type TenantSlug
} from "../src/index.ts"

const acme = "acme" as TenantSlug
const modes: ReadonlyArray<PrefixMode> = ["prefixed", "legacy", "both"]

const subjects = [
  "events.a",
  "events.a.b",
  "acme.events.a",
  "acme.events.a.b",
  "globex.events.a",
  "default.events.a",
  "acme.logs.a",
  "logs.events.a",
  "events"
]

describe("patterns", () => {
  it("give each tenant its own messages in each mode", () => {
    assert.deepStrictEqual(
      modes.map((mode) => patternsForTenant(acme, "events.>", mode)),
      [["acme.events.>"], [], ["acme.events.>"]]
    )
    assert.deepStrictEqual(
      modes.map((mode) => patternsForTenant(DEFAULT_TENANT, "events.>", mode)),
      [["default.events.>"], ["events.>"], ["default.events.>", "events.>"]]
    )
    assert.throws(() => patternsForTenant(acme, "secret.>", "prefixed"), /starts with a root/)
    assert.throws(() => patternsForTenant(acme, "events.>.x", "prefixed"), /> stands last/)
  })

  it.live("match exactly what a server delivers on them", () =>
    Effect.gen(function* () {
      const server = yield* startNatsServer()
      const connection = yield* Effect.acquireRelease(
        Effect.promise(() => connect({ servers: server.url })),
        (open) => Effect.promise(() => open.close())
      )
      const patterns = [
        ...modes.flatMap((mode) => patternsForAllTenants("events.>", mode)),
        ...modes.flatMap((mode) => patternsForTenant(acme, "events.*", mode)),
        ...patternsForTenant(DEFAULT_TENANT, "events.a.>", "both")
      ]
      const received = new Map(patterns.map((pattern) => [pattern, new Set<string>()]))
      for (const [pattern, seen] of received) {
        connection.subscribe(pattern, { callback: (_, message) => void seen.add(message.subject) })
      }
      yield* Effect.promise(() => connection.flush())
      for (const subject of subjects) connection.publish(subject)
      // The server answers a flush after it has delivered what was published before it on this connection.
      yield* Effect.promise(() => connection.flush())
      for (const [pattern, seen] of received) {
        assert.deepStrictEqual(
          [...seen].sort(),
          subjects.filter((subject) => subjectMatches(pattern, subject)).sort(),
          pattern
        )
      }
    })
  )
})
