import { waitUntil } from "@bulkhead/devstack"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { beginJournal, cleanUp, type PlanOptions, phaseOf, readJournal, runBack, runForward } from "../src/index.ts"
import { type Installation, startInstallation } from "./installation.ts"

const HOLDER = { name: "test", beatMs: 100 }

const begin = Effect.fnUntraced(function* (installation: Installation, options: Partial<PlanOptions> = {}) {
  const { plan, problems } = yield* installation.plan(options)
  assert.deepStrictEqual(problems, [])
  return yield* beginJournal(plan, HOLDER)
})

const onceEach = (times: ReadonlyMap<string, number>, ids: Iterable<string>) =>
  [...ids].filter((id) => times.get(id) !== 1).slice(0, 5)

let pairs = 0

/** Publishes each without and with a prefix at once: some repeats are faster than the copy. */
const publishPairs = ({ client, publishers: [publisher] }: Installation) =>
  Effect.promise(async () => {
    let faster = 0
    for (let number = 0; number < 50; number += 1) {
      pairs += 1
      const id = `pair ${pairs}`
      const answers = await Promise.all([
        client.publish("logs.syslog", id, { msgID: id }),
        client.publish("default.logs.syslog", id, { msgID: id })
      ])
      if (!answers[1].duplicate) faster += 1
      publisher?.acknowledged.set(id, "logs.syslog")
    }
    assert.isAbove(faster, 0)
  })

describe("a migration under load", () => {
  it.live(
    "moves all that is stored, each consumer with its place, and then the publishers: every message once",
    () =>
      Effect.gen(function* () {
        const installation = yield* startInstallation()
        yield* Effect.gen(function* () {
          const journal = yield* begin(installation)
          yield* runForward(journal, "both")
          assert.strictEqual(phaseOf(yield* journal.entry), "both")
          yield* runForward(journal, "prefixed")
          assert.strictEqual(phaseOf(yield* journal.entry), "prefixed")
          yield* installation.stopPublishing
          assert.deepStrictEqual(yield* installation.settledFaults, [])
          assert.deepStrictEqual(yield* cleanUp(journal), ["events"])
          const times = yield* installation.storedIn("events-default")
          assert.deepStrictEqual(onceEach(times, installation.published().keys()), [])
          assert.strictEqual(times.size, installation.published().size)
          assert.isUndefined(yield* readJournal)
        }).pipe(Effect.provideContext(installation.tools))
      }),
    90_000
  )

  it.live(
    "goes back from where both kinds of subject are taken: every message once",
    () =>
      Effect.gen(function* () {
        const installation = yield* startInstallation()
        yield* Effect.gen(function* () {
          const journal = yield* begin(installation)
          yield* runForward(journal, "both")
          yield* Effect.sleep("1 second")
          assert.deepStrictEqual(yield* runBack(journal), [])
          assert.strictEqual(phaseOf(yield* journal.entry), "rolled-back")
          yield* Effect.sleep("500 millis")
          yield* installation.stopPublishing
          assert.deepStrictEqual(yield* installation.settledFaults, [])
          assert.deepStrictEqual(yield* cleanUp(journal), ["events-default"])
        }).pipe(Effect.provideContext(installation.tools))
      }),
    90_000
  )

  it.live(
    "brings back what came into the new place alone, where no reader there reads",
    () =>
      Effect.gen(function* () {
        const installation = yield* startInstallation({ consumers: ["zen-consumer", "db-event-writer", "everything"] })
        for (const reader of installation.readers.values()) reader.isStuck = true
        yield* Effect.gen(function* () {
          const journal = yield* begin(installation, { drainMs: 2_000 })
          yield* runForward(journal, "both")
          yield* Effect.sleep("1 second")
          const published = installation.published().size
          yield* runBack(journal)
          yield* installation.stopPublishing
          assert.deepStrictEqual(yield* installation.settledFaults, [])
          const times = yield* installation.storedIn("events")
          assert.deepStrictEqual(onceEach(times, installation.published().keys()), [])
          assert.isAbove(installation.published().size, published)
        }).pipe(Effect.provideContext(installation.tools))
      }),
    90_000
  )

  it.live(
    "stops in a rollback where one reader has what another has not, and ends it when both have",
    () =>
      Effect.gen(function* () {
        const installation = yield* startInstallation({ consumers: ["db-event-writer", "everything"] })
        const slow = installation.readers.get("everything")
        if (slow === undefined) throw new Error("no reader")
        slow.isStuck = true
        yield* Effect.gen(function* () {
          const journal = yield* begin(installation, { drainMs: 2_000 })
          yield* runForward(journal, "both")
          // Stored and read there, and its acknowledgement lost: its publisher repeats it while the rollback waits.
          const publishLast = (subject: string) =>
            Effect.promise(() => installation.client.publish(subject, "last", { msgID: "last" }))
          yield* publishLast("default.logs.syslog")
          yield* waitUntil(
            "one reader has it",
            Effect.sync(() => installation.readers.get("db-event-writer")?.got.has("last") === true)
          )
          const error = yield* Effect.flip(runBack(journal))
          assert.match(error.message, /messages of "events-default" were read by some of its readers and not by others/)
          yield* publishLast("logs.syslog")
          installation.publishers[0]?.acknowledged.set("last", "logs.syslog")
          slow.isStuck = false
          yield* runBack(journal)
          yield* installation.stopPublishing
          assert.deepStrictEqual(yield* installation.settledFaults, [])
        }).pipe(Effect.provideContext(installation.tools))
      }),
    90_000
  )

  it.live(
    "knows a message that its publisher repeats on the other side of the switch, and of the rollback",
    () =>
      Effect.gen(function* () {
        const installation = yield* startInstallation({ windowMs: 60_000 })
        const [publisher] = installation.publishers
        if (publisher === undefined) throw new Error("no publisher")
        // Stored, and its acknowledgement lost: nobody has noted it yet.
        const publishUnknown = (subject: string, id: string) =>
          Effect.promise(() => installation.client.publish(subject, id, { msgID: id }))
        yield* Effect.gen(function* () {
          const journal = yield* begin(installation, { duplicateWindowMs: 8_000 })
          const runUntilOpen = runForward(journal, "both", {
            onEvent: (event) => {
              if (event._tag === "StepEnded" && event.step === "MoveConsumer events/pushed") {
                Effect.runFork(publishUnknown("logs.syslog", "before-the-switch"))
              }
            }
          })
          yield* runUntilOpen
          yield* Effect.promise(() => publisher.publish("logs.syslog", "before-the-switch"))
          yield* publishUnknown("default.logs.syslog", "before-the-rollback")
          yield* runBack(journal)
          yield* Effect.promise(() => publisher.publish("logs.syslog", "before-the-rollback"))
          yield* installation.stopPublishing
          assert.deepStrictEqual(yield* installation.settledFaults, [])
        }).pipe(Effect.provideContext(installation.tools))
      }),
    90_000
  )

  it.live(
    "knows a message whose repeat with a prefix is there before its copy",
    () =>
      Effect.gen(function* () {
        const installation = yield* startInstallation({ consumers: ["everything"], publishers: 1, stored: 20 })
        yield* installation.stopPublishing
        yield* Effect.gen(function* () {
          const journal = yield* begin(installation)
          yield* runForward(journal, "both")
          yield* publishPairs(installation)
          yield* runForward(journal, "prefixed")
          assert.deepStrictEqual(yield* installation.settledFaults, [])
          const times = yield* installation.storedIn("events-default")
          assert.deepStrictEqual(
            [...times].filter(([id, count]) => id.startsWith("pair") && count !== 1),
            []
          )
        }).pipe(Effect.scoped, Effect.provideContext(installation.tools))
      }),
    60_000
  )

  it.live(
    "gives such a message to its readers once after a rollback, whether they had it or not",
    () =>
      Effect.gen(function* () {
        const consumers = ["everything", "db-event-writer"] as const
        const installation = yield* startInstallation({ consumers, publishers: 1, stored: 20 })
        yield* installation.stopPublishing
        const stuck = [...installation.readers.values()]
        yield* Effect.gen(function* () {
          const journal = yield* begin(installation, { drainMs: 1_000 })
          yield* runForward(journal, "both")
          yield* publishPairs(installation)
          for (const reader of stuck) reader.isStuck = true
          yield* publishPairs(installation)
          yield* runBack(journal)
          assert.deepStrictEqual(yield* installation.settledFaults, [])
          const times = yield* installation.storedIn("events")
          assert.deepStrictEqual(onceEach(times, installation.published().keys()), [])
        }).pipe(Effect.scoped, Effect.provideContext(installation.tools))
      }),
    60_000
  )
})
