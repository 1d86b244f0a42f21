import { assert, describe, it } from "@effect/vitest"
import {
  diffStreams,
  type ObservedConsumer,
  type ObservedServer,
  type ObservedStream,
  planStreams,
  READERS,
  renderDiff,
  type StreamPlan,
  type StreamReader,
  type StreamSettings
} from "../src/index.ts"
import { shapeOfPlan } from "../src/streams/StreamShape.ts"
import { acme, slug } from "./fixtures.ts"

const DAY_MS = 86_400_000
const AT = new Date("2026-11-25T12:00:00Z")
const settings: StreamSettings = { maxBytes: 1_000, maxAgeMs: DAY_MS }
const zen: StreamReader = {
  name: "zen",
  patterns: ["logs.syslog"],
  ownStreams: true,
  sharedStream: "one",
  madeBy: "plan"
}

const planOf = (change: Partial<StreamSettings> = {}, mode: "prefixed" | "legacy" | "both" = "prefixed"): StreamPlan =>
  planStreams("per-tenant", [{ slug: acme, settings: { ...settings, ...change } }], {
    mode,
    shared: settings,
    readers: [READERS.eventWriter, zen]
  })

const lane: ObservedConsumer = {
  name: "event-writer",
  isDurable: true,
  expires: false,
  filterSubjects: ["acme.events.>"],
  ackPolicy: "all",
  isPlanMade: false,
  pending: 0,
  ackPending: 0
}
const zens: ObservedConsumer = {
  ...lane,
  name: "zen",
  filterSubjects: ["acme.logs.syslog"],
  ackPolicy: "explicit",
  isPlanMade: true
}

/** The streams of a plan as the server would show them. */
const present = (plan: StreamPlan, change: Partial<ObservedStream> = {}): ReadonlyArray<ObservedStream> =>
  plan.streams.map((planned) => ({
    name: planned.name,
    createdAt: "2026-11-24T00:00:00Z",
    shape: { replicas: 1, placement: {}, ...shapeOfPlan(planned) },
    messages: 0,
    bytes: 0,
    lastSequence: 0,
    firstReceivedAt: undefined,
    consumers: [lane, zens],
    ...change
  }))

const room = { max: "unlimited" as const, present: 0 }
const server = (streams: ReadonlyArray<ObservedStream>, change: Partial<ObservedServer> = {}): ObservedServer => ({
  version: "2.15.1",
  isClustered: false,
  at: AT,
  account: {
    storage: () => ({ max: "unlimited", reserved: 0 }),
    streamBytesMax: "unlimited",
    streams: room,
    consumers: room
  },
  streams,
  rights: { allow: undefined, deny: [] },
  ...change
})

const risksOf = (plan: StreamPlan, observed: ObservedServer) =>
  diffStreams(plan, observed).changes.flatMap(({ kind, risks }) => risks.map(({ risk }) => `${kind} ${risk}`))

const problemsOf = (plan: StreamPlan, observed: ObservedServer) =>
  diffStreams(plan, observed).problems.map(({ kind, blocks }) => `${blocks ? "stops" : "note"} ${kind}`)

describe("diffStreams", () => {
  it("finds nothing to change on a server that is as planned", () => {
    const diff = diffStreams(planOf(), server(present(planOf())))
    assert.deepStrictEqual(diff, { serverVersion: "2.15.1", changes: [], problems: [] })
    assert.strictEqual(renderDiff(diff), "Nothing to change.")
  })

  it("makes streams and the consumers that a plan makes, and leaves readers' own to them", () => {
    const { changes } = diffStreams(planOf(), server([]))
    assert.deepStrictEqual(
      changes.map((change) => [change.kind, change.stream, "consumer" in change ? change.consumer : undefined]),
      [
        ["create-stream", "events-acme", undefined],
        ["create-consumer", "events-acme", "zen"]
      ]
    )
    assert.deepStrictEqual(risksOf(planOf(), server([])), [])
  })

  it("says of each setting what it is and what it becomes", () => {
    const [change] = diffStreams(planOf({ maxBytes: 2_000, maxAgeMs: 2 * DAY_MS }), server(present(planOf()))).changes
    assert.deepInclude(change, {
      kind: "update-stream",
      fields: [
        { field: "maxBytes", from: 1_000, to: 2_000 },
        { field: "maxAgeMs", from: DAY_MS, to: 2 * DAY_MS }
      ],
      risks: []
    })
  })

  it("leaves copies and place as they are where the plan does not say", () => {
    const shape = { ...shapeOfPlan(planOf().streams[0] ?? assert.fail()), replicas: 3, placement: { tags: ["ssd"] } }
    assert.deepStrictEqual(diffStreams(planOf(), server(present(planOf(), { shape }))).changes, [])
  })

  it.each<[string, Partial<StreamSettings>, Partial<ObservedStream>, ReadonlyArray<string>]>([
    ["a size below what is stored", { maxBytes: 500 }, { bytes: 501, messages: 3 }, ["messages-dropped"]],
    ["a size that still holds it", { maxBytes: 500 }, { bytes: 500, messages: 3 }, []],
    [
      "an age below that of the oldest message",
      { maxAgeMs: DAY_MS / 2 },
      { messages: 1, firstReceivedAt: new Date(AT.getTime() - DAY_MS / 2 - 1) },
      ["messages-dropped"]
    ],
    [
      "an age that the oldest message has not",
      { maxAgeMs: DAY_MS / 2 },
      { messages: 1, firstReceivedAt: new Date(AT.getTime() - DAY_MS / 2) },
      []
    ],
    ["dropping the oldest when full", { discard: "old" }, {}, ["oldest-discarded"]]
  ])("asks about %s", (_, change, state, risks) => {
    assert.deepStrictEqual(
      risksOf(planOf(change), server(present(planOf(), state))),
      risks.map((risk) => `update-stream ${risk}`)
    )
  })

  it("asks about a shorter window and fewer copies", () => {
    const shape = {
      ...shapeOfPlan(planOf({ duplicateWindowMs: 600_000 }).streams[0] ?? assert.fail()),
      replicas: 3,
      placement: {}
    }
    const clustered = server(present(planOf(), { shape }), { isClustered: true })
    assert.deepStrictEqual(risksOf(planOf({ replicas: 1 }), clustered), [
      "update-stream window-shortened",
      "update-stream copies-reduced"
    ])
  })

  it("asks before a stream of another storage, or a work queue, is replaced; retention interest is simply left", () => {
    const shape = shapeOfPlan(planOf().streams[0] ?? assert.fail())
    const found = (change: Partial<typeof shape>) =>
      server(present(planOf(), { shape: { ...shape, ...change }, messages: 7 }))
    for (const change of [{ storage: "memory" }, { retention: "workqueue" }] as const) {
      assert.deepStrictEqual(risksOf(planOf(), found(change)), ["replace-stream stream-replaced"])
      assert.include(renderDiff(diffStreams(planOf(), found(change))), "7 messages and 2 consumers go with it")
    }
    assert.deepStrictEqual(risksOf(planOf(), found({ retention: "interest" })), [])
  })

  it("asks before it takes subjects away under which somebody has messages to read", () => {
    const both = planStreams("per-tenant", [{ slug: "default" as never, settings }], { mode: "both", shared: settings })
    const prefixed = planStreams("per-tenant", [{ slug: "default" as never, settings }], {
      mode: "prefixed",
      shared: settings
    })
    const reading = (filter: string, pending: number) =>
      server(present(both, { messages: 9, consumers: [{ ...lane, filterSubjects: [filter], pending }] }))
    // A reader that no plan knows is a matter of its own.
    const unread = (observed: ObservedServer) => risksOf(prefixed, observed).filter((risk) => risk.endsWith("unread"))
    assert.deepStrictEqual(unread(reading("events.>", 4)), ["update-stream messages-unread"])
    assert.deepStrictEqual(unread(reading("events.>", 0)), [])
    assert.deepStrictEqual(unread(reading("default.events.>", 4)), [])
  })

  it("replaces the wildcard of an old stream by the list of its tenants without asking, where they have all messages", () => {
    const listed = planStreams("shared", [{ slug: acme, settings }], { mode: "prefixed", shared: settings })
    const wild = planStreams("shared", [{ slug: acme, settings }], {
      mode: "prefixed",
      shared: settings,
      sharedSubjects: "wildcard"
    })
    const old = server(present(wild, { consumers: [] }), { version: "2.10.25" })
    assert.deepStrictEqual(risksOf(listed, old), [])
    assert.deepStrictEqual(problemsOf(listed, old), ["note server-limited", "note lost-by-upgrade"])
    assert.deepStrictEqual(problemsOf(wild, server([], { version: "2.10.28" })), [
      "note server-limited",
      "stops refused-subjects"
    ])
  })

  it("deletes a stream that an earlier plan left, asks first, and touches no foreign one", () => {
    const others = ["events-globex", "events", "EVENTS", "events-Not-A-Slug"].map((name) => ({
      ...(present(planOf(), { messages: 5, consumers: [] })[0] ?? assert.fail()),
      name,
      shape: { ...shapeOfPlan({ name, subjects: [`of-${name}`], ...settings }) }
    }))
    assert.deepStrictEqual(
      diffStreams(planOf(), server([...present(planOf()), ...others])).changes.map(({ kind, stream }) => [
        kind,
        stream
      ]),
      [
        ["delete-stream", "events-globex"],
        ["delete-stream", "events"]
      ]
    )
    assert.deepStrictEqual(risksOf(planOf(), server([...present(planOf()), ...others])), [
      "delete-stream stream-deleted",
      "delete-stream stream-deleted"
    ])
  })

  it("keeps the stream of a tenant that has no subject in this mode: its messages are read when the mode is left", () => {
    assert.deepStrictEqual(diffStreams(planOf({}, "legacy"), server(present(planOf()))).changes, [])
  })

  it("names each stream of somebody else's that overlaps, and changes nothing then", () => {
    const foreign = {
      ...(present(planOf())[0] ?? assert.fail()),
      name: "LEGACY",
      shape: shapeOfPlan({ name: "LEGACY", subjects: ["*.logs.>", "acme.events.x"], maxAgeMs: 0 })
    }
    const diff = diffStreams(planOf(), server([foreign]))
    const overlaps = diff.problems.filter(({ kind }) => kind === "overlap")
    assert.deepStrictEqual(
      overlaps.map(({ problem }) => problem),
      [`stream "LEGACY" takes "acme.events.x", which overlaps "acme.events.>" of "events-acme"`]
    )
    assert.include(renderDiff(diff), "Nothing can be applied: 1 problem in the way.")
  })

  it("names consumers that no plan knows, and asks before their stream is changed under them", () => {
    const debug = { ...lane, name: "debug", pending: 3 }
    const helper = { ...lane, name: "event-writer-replay", expires: true }
    const ephemeral = { ...lane, name: "Xy12", isDurable: false }
    const observed = server(present(planOf(), { consumers: [lane, zens, debug, helper, ephemeral] }))
    assert.deepStrictEqual(problemsOf(planOf(), observed), ["note unknown-consumer"])
    assert.include(renderDiff(diffStreams(planOf(), observed)), `consumer "debug" of no known reader, with 3 messages`)
    const narrower = { ...planOf(), streams: planOf().streams.map((one) => ({ ...one, subjects: ["acme.logs.>"] })) }
    assert.deepStrictEqual(risksOf(narrower, observed), [
      "update-stream messages-unread",
      "update-stream unknown-consumer"
    ])
  })

  it("changes the filters of a planned consumer in place, and asks where it would pass over messages", () => {
    const narrower = planStreams("per-tenant", [{ slug: "default" as never, settings }], {
      mode: "prefixed",
      shared: settings,
      readers: [zen]
    })
    const found = (pending: number) =>
      server(
        present(narrower, {
          consumers: [{ ...zens, filterSubjects: ["default.logs.syslog", "logs.syslog"], pending }]
        })
      )
    assert.deepStrictEqual(
      diffStreams(narrower, found(0)).changes.map(({ kind, risks }) => [kind, risks.length]),
      [["update-consumer", 0]]
    )
    assert.deepStrictEqual(risksOf(narrower, found(2)), ["update-consumer messages-unread"])
  })

  it("asks before the place of a planned consumer is lost", () => {
    const wrong = server(present(planOf(), { consumers: [lane, { ...zens, ackPolicy: "none", pending: 2 }] }))
    assert.deepStrictEqual(risksOf(planOf(), wrong), ["replace-consumer position-lost"])
    const dropped = server(present(planOf(), { consumers: [lane, zens, { ...zens, name: "former" }] }))
    assert.deepStrictEqual(risksOf(planOf(), dropped), ["delete-consumer position-lost"])
  })

  it("says what the account has no room for", () => {
    const plan = planStreams(
      "per-tenant",
      [acme, slug("globex")].map((one) => ({ slug: one, settings })),
      { mode: "prefixed", shared: settings }
    )
    const account = (change: Partial<ObservedServer["account"]>) =>
      server([], { account: { ...server([]).account, ...change } })
    const cases: ReadonlyArray<readonly [Partial<ObservedServer["account"]>, ReadonlyArray<string>]> = [
      [{ storage: () => ({ max: 2_500, reserved: 500 }) }, []],
      [{ storage: () => ({ max: 2_500, reserved: 501 }) }, ["stops storage"]],
      [{ streamBytesMax: 999 }, ["stops storage", "stops storage"]],
      [{ streams: { max: 2, present: 0 } }, []],
      [{ streams: { max: 2, present: 1 } }, ["stops streams-limit"]]
    ]
    for (const [change, problems] of cases) assert.deepStrictEqual(problemsOf(plan, account(change)), problems)
    assert.deepStrictEqual(problemsOf(planOf(), account({ consumers: { max: 5, present: 5 } })), [
      "stops consumers-limit"
    ])
    assert.deepStrictEqual(problemsOf(planOf({ replicas: 3 }), server([])), ["stops copies"])
  })

  it("counts what deleted streams give back", () => {
    const left = { ...(present(planOf(), { consumers: [] })[0] ?? assert.fail()), name: "events-oldco" }
    const full = server([left], {
      account: {
        ...server([]).account,
        storage: () => ({ max: 1_000, reserved: 1_000 }),
        streams: { max: 1, present: 1 }
      }
    })
    assert.deepStrictEqual(problemsOf(planOf(), full), [])
  })

  it("names the rights that are missing, once for each kind", () => {
    const rights = { allow: ["$JS.API.STREAM.>"], deny: ["$JS.API.STREAM.CREATE.events-acme"] }
    const { problems } = diffStreams(planOf(), server([], { rights }))
    assert.deepStrictEqual(
      problems.map(({ kind, problem }) => [kind, problem]),
      [
        ["permission", `the user may not publish on "$JS.API.STREAM.CREATE.events-acme"`],
        ["permission", `the user may not publish on "$JS.API.CONSUMER.DURABLE.CREATE.events-acme.zen"`]
      ]
    )
    assert.deepStrictEqual(problemsOf(planOf(), server([], { rights: undefined })), [])
  })

  it("knows servers that are too old, and those that are not safe for leaf nodes", () => {
    const versions: ReadonlyArray<readonly [string, Array<string>]> = [
      ["2.9.25", ["stops server-too-old"]],
      ["2.10.0", ["note server-limited"]],
      ["2.14.2", ["note server-limited"]],
      ["2.14.3", []],
      ["2.16.0-beta.1", []],
      ["dev", []]
    ]
    for (const [version, problems] of versions) {
      assert.deepStrictEqual(problemsOf(planOf(), server([], { version })), problems, version)
    }
  })

  it("knows which servers take no overlapping filters", () => {
    const flows: StreamReader = { ...zen, name: "flows", patterns: ["flows.>"] }
    const shared = planStreams("shared", [{ slug: acme, settings }], {
      mode: "both",
      shared: settings,
      readers: [flows, zen, READERS.dbEventWriter]
    })
    assert.deepStrictEqual(problemsOf(shared, server([], { version: "2.10.29" })), [
      "note server-limited",
      "stops refused-subjects"
    ])
    assert.deepStrictEqual(problemsOf(shared, server([])), [])
  })

  it("warns of more consumers than a server takes by default", () => {
    const many = Array.from({ length: 1_001 }, (_, index) => ({ slug: slug(`t${index}`), settings }))
    const shared = planStreams("shared", many, { mode: "prefixed", shared: settings, readers: [READERS.eventWriter] })
    assert.deepStrictEqual(problemsOf(shared, server([])), ["note consumers-limit"])
    assert.deepStrictEqual(problemsOf(shared, server([], { version: "2.14.3" })), [])
  })

  it("compares two thousand tenants in less than seconds", () => {
    const many = Array.from({ length: 2_000 }, (_, index) => ({ slug: slug(`t${index}`), settings }))
    const plan = planStreams("per-tenant", many, { mode: "both", shared: settings, readers: [READERS.eventWriter] })
    const started = performance.now()
    assert.deepStrictEqual(diffStreams(plan, server(present(plan, { consumers: [lane] }))).changes, [])
    assert.isBelow(performance.now() - started, 5_000)
  })

  it("is printed with what it changes and what that may cost", () => {
    const left = { ...(present(planOf(), { messages: 12, consumers: [] })[0] ?? assert.fail()), name: "events-oldco" }
    const found = present(planOf({ maxBytes: 256 * 1024 * 1024 }), { bytes: 5_000, messages: 3 })
    const text = renderDiff(diffStreams(planOf({ maxBytes: 2_048 }), server([...found, left])))
    assert.strictEqual(
      text,
      [
        "- stream events-oldco",
        "    ! stream-deleted: 12 messages and 0 consumers go with it",
        "~ stream events-acme",
        "    maxBytes 256 MiB → 2 KiB",
        "    ! messages-dropped: it holds 5000 bytes, so it refuses new messages until older ones have expired",
        "",
        "0 to create, 1 to change, 0 to replace, 1 to delete.",
        "What may be lost has to be allowed: --allow stream-deleted --allow messages-dropped"
      ].join("\n")
    )
  })
})
