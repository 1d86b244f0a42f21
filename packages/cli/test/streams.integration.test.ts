/** Streams of an installation: somebody changed them by hand, and an operator sees it and puts it right. */
import { startCore } from "@bulkhead/core/testing"
import { waitUntil } from "@bulkhead/devstack"
import { assert, describe, it } from "@effect/vitest"
import { AckPolicy, jetstreamManager } from "@nats-io/jetstream"
import { connect } from "@nats-io/transport-node"
import { Effect } from "effect"
import { coreAt, startCli } from "./cliHarness.ts"

const start = Effect.fnUntraced(function* (environment: Record<string, string> = {}) {
  const core = yield* startCore(environment)
  const cli = yield* startCli(coreAt(core.url))
  const connection = yield* Effect.acquireRelease(
    Effect.promise(() => connect({ servers: core.nats.url })),
    (open) => Effect.promise(() => open.close())
  )
  const manager = yield* Effect.promise(() => jetstreamManager(connection))
  const config = (stream: string) => Effect.promise(async () => (await manager.streams.info(stream)).config)
  const names = Effect.promise(async () => (await manager.streams.list().next()).map(({ config }) => config.name))
  for (const slug of ["acme", "globex"]) yield* cli.ok("tenants", "create", slug, "--name", slug)
  yield* waitUntil(
    "nothing waits to be changed",
    Effect.map(cli.run(["streams", "plan"]), ({ exit }) => exit === 0)
  )
  return { core, ...cli, manager, config, names }
})

describe("bulkhead streams plan and apply", () => {
  it.live("show what somebody changed by hand, of all or of one tenant, and put it right", () =>
    Effect.gen(function* () {
      const { ok, json, run, manager, config, names } = yield* start()
      assert.strictEqual(yield* ok("streams", "plan"), "Nothing to change.")
      assert.strictEqual(yield* ok("streams", "apply"), "Nothing to change.\n0 changes were made")
      for (const stream of ["events-acme", "events-globex"]) {
        yield* Effect.promise(() => manager.streams.update(stream, { max_age: 3_600_000_000_000 }))
      }
      const shown = yield* run(["streams", "plan"])
      assert.strictEqual(shown.exit, 5)
      assert.match(shown.stdout, /^~ stream events-acme\n {4}maxAgeMs 1 h → 7 d$/m)
      assert.match(shown.stdout, /^0 to create, 2 to change, 0 to replace, 0 to delete\.$/m)
      assert.strictEqual(shown.stderr, "bulkhead: 2 changes wait. Next: bulkhead streams apply")
      const ofAcme = yield* run(["streams", "plan", "acme", "--json"])
      assert.deepEqual(
        JSON.parse(ofAcme.stdout).changes.map(({ kind, stream }: { kind: string; stream: string }) => [kind, stream]),
        [["update-stream", "events-acme"]]
      )

      assert.match(yield* ok("streams", "apply", "--dry-run"), /2 to change.*\ndry run: nothing was changed$/)
      const unasked = yield* run(["streams", "apply"])
      assert.strictEqual(unasked.exit, 2)
      assert.match(unasked.stderr, /Making 2 changes .* needs a confirmation, and there is no terminal. Add --yes/)
      assert.strictEqual((yield* config("events-acme")).max_age, 3_600_000_000_000)

      assert.match(yield* ok("streams", "apply", "globex", "--yes"), /\n1 change was made$/)
      assert.strictEqual((yield* config("events-globex")).max_age, 604_800_000_000_000)
      const made = yield* json("streams", "apply", "--yes")
      assert.deepInclude(made, { applied: true, problems: [] })
      assert.lengthOf(made.changes, 1)
      assert.strictEqual(yield* ok("streams", "plan"), "Nothing to change.")
      const unknown = yield* run(["streams", "plan", "nobody"])
      assert.strictEqual(unknown.exit, 1)
      assert.match(unknown.stderr, /no tenant "nobody"/)

      const other = yield* run(["streams", "plan", "--layout", "shared"])
      assert.strictEqual(other.exit, 5)
      assert.match(other.stdout, /^\+ stream events\n {4}acme\.> default\.> globex\.>/m)
      assert.match(other.stdout, /^- stream events-acme$/m)
      assert.match(other.stderr, /^bulkhead: 4 changes wait\. First set CORE_LAYOUT or NATS_TENANT_PREFIX_MODE so$/)
      assert.notInclude(yield* names, "events")
    })
  )

  it.live("refuse and name what would be lost, until it is allowed by its name, and what stands in the way", () =>
    Effect.gen(function* () {
      const { ok, run, manager, config, names } = yield* start()
      yield* Effect.promise(() => manager.streams.add({ name: "events-oldco", subjects: ["oldco.>"] }))
      const refused = yield* run(["streams", "apply", "--yes"])
      assert.strictEqual(refused.exit, 1)
      assert.match(
        refused.stdout,
        /^- stream events-oldco\n {4}! stream-deleted: 0 messages and 0 consumers go with it$/m
      )
      assert.match(
        refused.stderr,
        /^bulkhead: Nothing was changed: stream-deleted of "events-oldco": .* add --allow stream-deleted=events-oldco$/
      )
      const elsewhere = yield* run(["streams", "apply", "--yes", "--allow", "stream-deleted=events-acme"])
      assert.strictEqual(elsewhere.exit, 1)
      assert.include(yield* names, "events-oldco")
      const nonsense = yield* run(["streams", "apply", "--yes", "--allow", "everything"])
      assert.strictEqual(nonsense.exit, 2)
      assert.match(nonsense.stderr, /"everything".*stream-deleted/)
      yield* ok("streams", "apply", "--yes", "--allow", "stream-deleted=events-oldco")
      assert.notInclude(yield* names, "events-oldco")

      yield* Effect.promise(() => manager.streams.update("events-acme", { subjects: ["acme.events.>"] }))
      yield* Effect.promise(() => manager.streams.add({ name: "LEGACY", subjects: ["acme.logs.>"] }))
      for (const command of ["plan", "apply"]) {
        const { exit, stdout, stderr } = yield* run(["streams", command])
        assert.strictEqual(exit, 1)
        assert.match(stdout, /^stops stream "LEGACY" takes "acme\.logs\.>", which overlaps/m)
        assert.match(stderr, /^bulkhead: Nothing can be changed: stream "LEGACY" .*\. Take the subject from "LEGACY"/)
      }
      assert.deepEqual((yield* config("events-acme")).subjects, ["acme.events.>"])
    })
  )
})

describe("bulkhead streams lag", () => {
  it.live(
    "puts the reader that is furthest behind first, and says how far in messages and in time, again and again with --watch",
    () =>
      Effect.gen(function* () {
        const { core, ok, json, run, manager } = yield* start()
        for (const tenant of ["acme", "globex"]) {
          yield* Effect.promise(() =>
            manager.consumers.add(`events-${tenant}`, { durable_name: "exporter", ack_policy: AckPolicy.Explicit })
          )
        }
        const text = new TextEncoder().encode('{"class_uid":1008}')
        for (const tenant of ["globex", "globex", "acme"]) yield* core.publish(tenant, "logs.other", text)
        // The tenants' own lives are told in their streams too, and written a moment later.
        yield* waitUntil(
          "core's lanes have written all",
          Effect.map(json("streams", "lag"), (lags: ReadonlyArray<{ reader?: string; lagMs?: number }>) =>
            lags.every(({ reader, lagMs }) => reader === undefined || lagMs === undefined)
          )
        )
        const lags = yield* json("streams", "lag")
        assert.deepEqual(
          lags.slice(0, 2).map(({ consumer }: { consumer: string }) => consumer),
          ["exporter", "exporter"]
        )
        assert.isAtLeast(lags[0].lagMs, lags[1].lagMs)
        const table = yield* ok("streams", "lag", "acme")
        assert.match(table, /^TENANT +CONSUMER +STREAM +MESSAGES +IN WORK +OLDEST +LAST READ +READER\n/)
        assert.match(table, /^acme +exporter +events-acme +\d+ +0 +\d+(\.\d)? (s|min) +never +unknown$/m)
        assert.match(table, /^acme +event-writer +events-acme +0 +0 .* event-writer$/m)
        assert.notMatch(table, /globex/)

        const looks: Array<string> = []
        yield* Effect.raceFirst(
          run(["streams", "lag", "--watch", "100ms", "--json"], {}, looks),
          waitUntil(
            "it has looked three times",
            Effect.sync(() => looks.length >= 3)
          )
        )
        for (const line of looks) assert.isArray(JSON.parse(line))
      })
  )
})
