/** What speaks against a migration, on a real server: each is named, with what to do, before anything is changed. */
import { startNatsServer } from "@bulkhead/devstack"
import { FlagStore } from "@bulkhead/flags"
import { Nats } from "@bulkhead/nats"
import { assert, describe, it } from "@effect/vitest"
import {
  AckPolicy,
  type JetStreamClient,
  type JetStreamManager,
  jetstream,
  jetstreamManager,
  RetentionPolicy
} from "@nats-io/jetstream"
import { connect } from "@nats-io/transport-node"
import { Effect, Layer, Redacted } from "effect"
import {
  beginJournal,
  checkRoom,
  cleanUp,
  inspect,
  JetStreamAdmin,
  type PlanOptions,
  planMigration,
  runBack,
  runForward
} from "../src/index.ts"
import { neededRights } from "../src/internal/neededRights.ts"

const HOLDER = { name: "test", beatMs: 100 }
const MAPPING = { consumers: { "events/zen": "move" as const } }
const PLAN = { id: "m1", mapping: MAPPING, duplicateWindowMs: 1_000, quietMs: 300, drainMs: 2_000 }

/** `max_file_store` of the servers of @bulkhead/devstack. */
const SERVER_BYTES = 2 ** 40

interface Row {
  readonly name: string
  readonly options?: Partial<PlanOptions>
  readonly arrange?: (manager: JetStreamManager) => Promise<unknown>
  /** Of the row's account. */
  readonly limits?: string
  readonly says: RegExp
}

const inMapping = (more: object): Partial<PlanOptions> => ({ mapping: { ...MAPPING, ...more } })

const ROWS: ReadonlyArray<Row> = [
  {
    name: "a stream with subjects of a new one",
    arrange: ({ streams }) => streams.add({ name: "other", subjects: ["default.events.poller.*"] }),
    says: /stream "other" takes subjects of tenant "default", which "events-default" is to take: take them out of it/
  },
  {
    name: "a stream with the name of a new one",
    arrange: ({ streams }) => streams.add({ name: "events-default", subjects: ["default.>"] }),
    says: /stream "events-default" is there already, with 0 messages: delete it when nobody needs it/
  },
  {
    name: "a stream that copies from it",
    arrange: ({ streams }) => streams.add({ name: "backup", sources: [{ name: "events" }] }),
    says: /stream "backup" copies from "events" .* say "dependents": \{"backup": "leave"\}/
  },
  {
    name: "a work queue",
    arrange: ({ streams }) => streams.add({ name: "jobs", subjects: ["otel.>"], retention: RetentionPolicy.Workqueue }),
    says: /stream "jobs" has retention "workqueue".*leave the stream out/
  },
  {
    name: "a consumer that the mapping does not name",
    arrange: ({ consumers }) => consumers.add("events", { durable_name: "who", ack_policy: AckPolicy.Explicit }),
    says: /consumer "events\/who" \(0 readers\) is not in the mapping: say "consumers": \{"events\/who": "move"\}/
  },
  {
    name: "a consumer that is not there",
    options: inMapping({ consumers: { ...MAPPING.consumers, "events/gone": "move" } }),
    says: /consumer "events\/gone" of the mapping is on none of the streams to be moved: correct it/
  },
  {
    name: "a stream that is not there",
    options: inMapping({ streams: ["events", "gone"] }),
    says: /stream "gone" of the mapping does not exist: correct its name/
  },
  {
    name: "a tenant that does not exist",
    options: { ...inMapping({ tenants: { acme: ["logs.>"] } }), tenants: [] },
    says: /tenant "acme" of the mapping does not exist: create it first, or correct its slug/
  },
  {
    name: "a pattern of two tenants",
    options: inMapping({ tenants: { acme: ["logs.>"], globex: ["logs.syslog"] } }),
    says: /patterns "logs.>" of tenant "acme" and "logs.syslog" of tenant "globex" overlap/
  },
  {
    name: "an account without the room",
    limits: "max_file: 150KB",
    says: /the copies need \d+ bytes and the account has \d+ of 153600 left: raise its limit/
  },
  {
    name: "an account without a place for another stream",
    limits: "max_streams: 2",
    says: /2 streams are to be made and the account has 1 of at most 2: raise its limit/
  },
  {
    name: "a server without the room",
    arrange: ({ streams }) => streams.add({ name: "filler", subjects: ["filler"], max_bytes: SERVER_BYTES - 150_000 }),
    says: /the copies need \d+ bytes on a server, and there is no room for them: raise max_file_store/
  }
]

/** What a look needs: without it nothing is known, and nothing is changed either. */
const TO_LOOK = ["$JS.API.INFO", "$JS.API.STREAM.LIST", "$JS.API.STREAM.INFO.*", "$JS.API.CONSUMER.LIST.*"]

/** The rights that the documentation of this plan would list. */
const RIGHTS = neededRights(
  planMigration(
    {
      serverVersion: "2.15.1",
      account: { storedBytes: 0, storedBytesMax: -1, streams: 1, streamsMax: -1, consumersMax: -1 },
      streams: [
        {
          name: "events",
          createdAt: "",
          subjects: ["events.>", "logs.>"],
          messages: 1,
          bytes: 1,
          firstSequence: 1,
          lastSequence: 1,
          stored: {},
          ratePerSecond: 0,
          consumers: [
            {
              name: "zen",
              isDurable: true,
              kind: "pull",
              filterSubjects: ["logs.syslog"],
              position: { delivered: 0, ackFloor: 0, ackPending: 0, pending: 0 },
              readers: 0,
              createdAt: "",
              config: { deliver_policy: "all" }
            }
          ],
          copiesFrom: [],
          config: { retention: "limits" }
        }
      ]
    },
    PLAN
  ).plan
)

const asPattern = (subject: string): string => subject.replace(/\.any$/, ".>").replaceAll(/\.any(?=\.)/g, ".*")

const quoted = (subjects: ReadonlyArray<string>): string => JSON.stringify(subjects)

const CONFIG = `
accounts {
  ${ROWS.map(({ limits }, at) => `R${at} { jetstream: ${limits === undefined ? "enabled" : `{${limits}}`}, users: [{user: r${at}, password: p}] }`).join("\n  ")}
  RIGHTS {
    jetstream: enabled
    users: [
      {user: rights, password: p}
      {user: exact, password: p, permissions: {publish: {allow: ${quoted(["$SYS.REQ.USER.INFO", ...TO_LOOK, ...RIGHTS.map(asPattern)])}}}}
      ${[...TO_LOOK, ...RIGHTS].map((subject, at) => `{user: without${at}, password: p, permissions: {publish: {deny: ${quoted([asPattern(subject)])}}}}`).join("\n      ")}
    ]
  }
}`

const connectAs = (url: string, user: string) =>
  Effect.gen(function* () {
    const open = yield* Effect.acquireRelease(
      Effect.promise(() => connect({ servers: url, user, pass: "p" })),
      (connection) => Effect.promise(() => connection.close())
    )
    return { open, manager: yield* Effect.promise(() => jetstreamManager(open)), client: jetstream(open) }
  })

const toolsOf = (url: string, user: string) =>
  JetStreamAdmin.layer.pipe(Layer.provideMerge(Nats.layerWith({ servers: [url], user, password: Redacted.make("p") })))

const flagStore = FlagStore.layer(Nats.use(({ connection }) => connection))

const startLegacy = async (manager: JetStreamManager, client: JetStreamClient) => {
  await manager.streams.add({ name: "events", subjects: ["events.>", "logs.>"] })
  await manager.consumers.add("events", {
    durable_name: "zen",
    ack_policy: AckPolicy.Explicit,
    filter_subject: "logs.syslog"
  })
  for (let number = 0; number < 10; number += 1) await client.publish("logs.syslog", "x".repeat(10_000))
}

const namesOf = (manager: JetStreamManager) =>
  Effect.promise(async () => (await manager.streams.list().next()).map(({ config }) => config.name))

/** All that speaks against it, as `bulkhead streams migrate plan` says it. */
const problemsOf = Effect.fnUntraced(function* (options: Partial<PlanOptions> = {}) {
  const { plan, problems } = planMigration(yield* inspect({ measureMs: 0 }), { ...PLAN, ...options })
  return problems.length > 0 ? problems : yield* checkRoom(plan)
})

const onServer = Effect.gen(function* () {
  const { url } = yield* startNatsServer({ config: CONFIG })
  return url
})

describe("bad input on a real server", () => {
  it.live("is named, each by itself, and nothing is changed", () =>
    Effect.gen(function* () {
      const url = yield* onServer
      for (const [at, { name, options, arrange, says }] of ROWS.entries()) {
        yield* Effect.gen(function* () {
          const { manager, client } = yield* connectAs(url, `r${at}`)
          yield* Effect.promise(() => startLegacy(manager, client))
          yield* Effect.promise(async () => arrange?.(manager))
          const before = yield* namesOf(manager)
          const problems = yield* problemsOf(options).pipe(Effect.provide(toolsOf(url, `r${at}`)))
          assert.strictEqual(problems.length, 1, `${name}: ${problems.join("; ")}`)
          assert.match(problems[0] ?? "", says, name)
          assert.deepStrictEqual(yield* namesOf(manager), before, name)
        }).pipe(Effect.scoped)
      }

      const { manager, client } = yield* connectAs(url, "rights")
      yield* Effect.promise(() => startLegacy(manager, client))
      for (const [at, subject] of [...TO_LOOK, ...RIGHTS].entries()) {
        const found = yield* problemsOf().pipe(
          Effect.provide(toolsOf(url, `without${at}`)),
          Effect.catch(({ message }) => Effect.succeed([message]))
        )
        const isLook = at < TO_LOOK.length
        assert.strictEqual(found.length, 1, `${subject}: ${found.join("; ")}`)
        assert.include(found[0], isLook ? "give the user the rights to $JS.API." : `"${subject}"`, subject)
      }
      assert.deepStrictEqual(yield* namesOf(manager), ["events"])
    })
  )

  it.live("is nothing that needs a right beside those that are named: there, back, there again, and cleaned up", () =>
    Effect.gen(function* () {
      const url = yield* onServer
      const { manager, client } = yield* connectAs(url, "rights")
      yield* Effect.promise(() => startLegacy(manager, client))
      yield* Effect.gen(function* () {
        assert.deepStrictEqual(yield* problemsOf(), [])
        const start = Effect.gen(function* () {
          return yield* beginJournal(planMigration(yield* inspect({ measureMs: 0 }), PLAN).plan, HOLDER)
        })
        yield* Effect.gen(function* () {
          const journal = yield* start
          yield* runForward(journal, "both")
          yield* Effect.promise(() => client.publish("default.events.poller.health", "x", { msgID: "x" }))
          yield* runBack(journal)
          assert.deepStrictEqual(yield* cleanUp(journal), ["events-default"])
        }).pipe(Effect.scoped)
        const journal = yield* start
        yield* runForward(journal, "prefixed")
        assert.deepStrictEqual(yield* cleanUp(journal), ["events"])
      }).pipe(Effect.provide(flagStore), Effect.provide(toolsOf(url, "exact")))
    })
  )
})
