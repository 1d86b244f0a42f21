import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { startNatsServer } from "@bulkhead/devstack"
import { assert, describe, it } from "@effect/vitest"
import { AckPolicy, jetstream, jetstreamManager } from "@nats-io/jetstream"
import { connect } from "@nats-io/transport-node"
import { Effect } from "effect"
import { startCli } from "./cliHarness.ts"

const MIGRATE = ["streams", "migrate"]
/** Short, because nobody publishes while the test runs. */
const QUICKLY = ["--duplicate-window", "1s", "--quiet", "500ms", "--drain", "2s"]

/** An installation without prefixes, with one consumer that has read a part. */
const startLegacy = Effect.gen(function* () {
  const server = yield* startNatsServer()
  const connection = yield* Effect.acquireRelease(
    Effect.promise(() => connect({ servers: server.url })),
    (open) => Effect.promise(() => open.close())
  )
  const manager = yield* Effect.promise(() => jetstreamManager(connection))
  const client = jetstream(connection)
  yield* Effect.promise(async () => {
    await manager.streams.add({ name: "events", subjects: ["events.>", "logs.>"] })
    await manager.consumers.add("events", {
      durable_name: "zen-consumer",
      ack_policy: AckPolicy.Explicit,
      filter_subject: "logs.syslog"
    })
    for (let number = 0; number < 20; number += 1) await client.publish("logs.syslog", `${number}`)
    const consumer = await client.consumers.get("events", "zen-consumer")
    for await (const message of await consumer.fetch({ max_messages: 5 })) await message.ackAck()
  })
  const cli = yield* startCli({ NATS_URL: server.url })
  const mapping = join(cli.folder, "mapping.json")
  writeFileSync(mapping, JSON.stringify({ consumers: { "events/zen-consumer": "move" } }))
  const names = Effect.promise(async () => (await manager.streams.list().next()).map(({ config }) => config.name))
  return { server, cli, client, mapping, names }
})

describe("bulkhead streams migrate", () => {
  it.live(
    "inspects, plans, moves, verifies and cleans up",
    () =>
      Effect.gen(function* () {
        const { cli, client, mapping, names } = yield* startLegacy
        const migrate = (...args: ReadonlyArray<string>) => cli.run([...MIGRATE, ...args])

        const inspected = yield* cli.ok(...MIGRATE, "inspect", "--measure", "100ms")
        assert.match(inspected, /events\/zen-consumer +pull +logs\.syslog +0 +5 +0 +15/)

        const blocked = yield* migrate("plan")
        assert.strictEqual(blocked.exit, 1)
        assert.match(blocked.stdout, /consumer "events\/zen-consumer" \(0 readers\) is not in the mapping/)
        const refused = yield* migrate("run", "--to", "both", "--yes")
        assert.strictEqual(refused.exit, 1)
        assert.match(refused.stderr, /Nothing was changed, because of 1 problems/)

        const planned = yield* cli.ok(...MIGRATE, "plan", "--mapping", mapping)
        assert.match(planned, /MoveConsumer events\/zen-consumer\n.*stands still once its reader has acknowledged/)
        const looked = yield* cli.ok(...MIGRATE, "run", "--mapping", mapping, "--to", "both", "--dry-run")
        assert.match(looked, /^dry run: nothing was changed/)
        assert.notInclude(yield* names, "events-default")
        assert.strictEqual((yield* cli.json(...MIGRATE, "status")).phase, "none")

        const unasked = yield* migrate("run", "--mapping", mapping, "--to", "both")
        assert.strictEqual(unasked.exit, 2)
        assert.match(unasked.stderr, /needs a confirmation, and there is no terminal. Add --yes/)

        const ran = yield* cli.ok(...MIGRATE, "run", "--mapping", mapping, "--to", "both", "--yes", ...QUICKLY)
        assert.match(ran, /6\/8 {2}MoveConsumer events\/zen-consumer/)
        assert.match(ran, /The migration stands at "both"/)
        const status = yield* cli.json(...MIGRATE, "status")
        assert.strictEqual(status.phase, "both")
        assert.strictEqual(status.steps[0].state, "done")

        const verified = yield* cli.json(...MIGRATE, "verify")
        assert.deepInclude(verified[0].subjects[0], { subject: "logs.syslog", isEqual: true })
        const early = yield* migrate("cleanup", "--yes")
        assert.strictEqual(early.exit, 1)
        assert.match(early.stderr, /neither complete nor rolled back/)

        const lines = (yield* cli.ok(...MIGRATE, "run", "--to", "prefixed", "--json"))
          .split("\n")
          .map((line) => JSON.parse(line))
        assert.deepInclude(lines.at(-1), { _tag: "StepEnded", step: "VerifyCopies events after closing" })
        assert.match(yield* cli.ok(...MIGRATE, "cleanup", "--dry-run"), /would delete "events"/)
        assert.include(yield* names, "events")
        assert.match(yield* cli.ok(...MIGRATE, "cleanup", "--yes"), /Deleted "events"; the migration is over/)
        assert.notInclude(yield* names, "events")
        const consumer = yield* Effect.promise(() => client.consumers.get("events-default", "zen-consumer"))
        const next = yield* Effect.promise(() => consumer.next({ expires: 5_000 }))
        assert.strictEqual(next?.string(), "5")
      }),
    90_000
  )

  it.live(
    "goes back, and ends with 5 where a reader holds what it was given",
    () =>
      Effect.gen(function* () {
        const { cli, client, mapping, names } = yield* startLegacy
        const consumer = yield* Effect.promise(() => client.consumers.get("events", "zen-consumer"))
        const held = yield* Effect.promise(() => consumer.next({ expires: 5_000 }))
        const run = [...MIGRATE, "run", "--mapping", mapping, "--to", "both", "--yes", ...QUICKLY]
        const waits = yield* cli.run(run)
        assert.strictEqual(waits.exit, 5)
        assert.match(
          waits.stderr,
          /the reader of "events\/zen-consumer" has not acknowledged what it was given within 2 s/
        )
        yield* Effect.promise(async () => held?.ackAck())
        yield* cli.ok(...run)
        assert.match(
          yield* cli.ok(...MIGRATE, "rollback", "--dry-run"),
          /goes on from the place that its successor has reached/
        )
        yield* cli.ok(...MIGRATE, "rollback", "--yes")
        yield* cli.ok(...MIGRATE, "cleanup", "--yes")
        assert.notInclude(yield* names, "events-default")
        const next = yield* Effect.promise(() => consumer.next({ expires: 5_000 }))
        assert.strictEqual(next?.string(), "6")
      }),
    90_000
  )

  it.live("ends with 3 where NATS is not", () =>
    Effect.gen(function* () {
      const cli = yield* startCli({ NATS_URL: "nats://127.0.0.1:9" })
      const { exit, stderr } = yield* cli.run([...MIGRATE, "status"])
      assert.strictEqual(exit, 3)
      assert.match(stderr, /NATS does not answer within 5 seconds/)
    })
  )
})
