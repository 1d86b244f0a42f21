import { type ChildProcess, spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import type { TenantSlug } from "@bulkhead/channels"
import { freePort, waitUntil } from "@bulkhead/devstack"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { startCore, startCoreIn, startSurroundings } from "../testing/coreHarness.ts"
import { encode, ocsfEvent } from "../testing/events.ts"

type Surroundings = Effect.Success<ReturnType<typeof startSurroundings>>

const slug = "acme" as TenantSlug
const params = { slug }
const STORED = 300
const TOTAL = 750
/** Every so many events comes a message that can never be stored. */
const POISON_EVERY = 125
/** Small batches, so that a replay has many. */
const SMALL_BATCHES = { CORE_BATCH_ROWS_MAX: "25", CORE_BATCH_AGE_MS: "10" }

const fixture = fileURLToPath(new URL("fixtures/coreKilledAt.ts", import.meta.url))

/** Core in a process of its own, that kills itself at the end of a span. */
const spawnCore = Effect.fnUntraced(function* ({ coreEnvironment }: Surroundings, killSpan = "none") {
  const opsPort = yield* freePort
  const child = yield* Effect.acquireRelease(
    Effect.sync(() =>
      spawn(process.execPath, ["--conditions=@bulkhead/source", fixture], {
        env: {
          PATH: process.env.PATH,
          ...coreEnvironment,
          OPS_PORT: String(opsPort),
          KILL_SPAN: killSpan,
          KILL_TENANT: slug
        },
        stdio: "ignore"
      })
    ),
    (started) => Effect.sync(() => started.kill("SIGKILL"))
  )
  const isReady = Effect.promise(() =>
    fetch(`http://127.0.0.1:${opsPort}/readyz`).then(
      (response) => response.ok,
      () => false
    )
  )
  yield* waitUntil("core is ready", isReady, "60 seconds")
  return child
})

const awaitKilled = (child: ChildProcess) =>
  waitUntil(
    "core is killed",
    Effect.sync(() => child.signalCode === "SIGKILL"),
    "60 seconds"
  )

/** Publishes events one after the other, and poison among them. */
const publishNumbers = (servers: Surroundings, from: number, to: number) =>
  Effect.forEach(
    Array.from({ length: to - from }, (_, index) => from + index),
    (number) =>
      servers
        .publish(slug, "events.poller.health", ocsfEvent(slug, number))
        .pipe(
          Effect.andThen(
            number % POISON_EVERY === 0
              ? servers.publish(slug, "events.poller.health", encode(`{ poison ${number}`))
              : Effect.void
          )
        ),
    { discard: true }
  )

/** Acme with stored events whose rows are wrong, as a faulty decoder would have left them. */
const startWrong = Effect.fnUntraced(function* (servers: Surroundings) {
  yield* servers.api.tenants.create({ payload: { slug, name: "Acme", plan: "free" } })
  yield* publishNumbers(servers, 0, STORED)
  yield* servers.awaitStored(slug, STORED)
  yield* servers.query("update tenant_acme.ocsf_events set message = 'wrong' where unmapped ? 'number'")
  yield* servers.query("delete from tenant_acme.ocsf_events where (unmapped->>'number')::int % 7 = 3")
})

const requestReplay = (servers: Surroundings) =>
  servers.api.replays.request({ params, payload: { from: { sequence: 1 } } })

const awaitDone = (servers: Surroundings, id: number) =>
  waitUntil(
    `replay ${id} is done`,
    servers.api.replays.get({ params: { slug, id } }).pipe(
      Effect.map(({ status }) => status === "done"),
      Effect.orElseSucceed(() => false)
    ),
    "60 seconds"
  )

/** What was published is stored: each event once, in order and right again, and exactly the poison is dead. */
const audit = Effect.fnUntraced(function* (servers: Surroundings) {
  yield* servers.awaitStored(slug, TOTAL)
  const rows = yield* servers.query<{ number: number; message: string }>(
    `select (unmapped->>'number')::int as number, message
     from tenant_acme.ocsf_events where unmapped ? 'number' order by stream_seq`
  )
  assert.deepStrictEqual(
    rows.map(({ number, message }) => `${number} ${message}`),
    Array.from({ length: TOTAL }, (_, number) => `${number} event ${number} of acme`)
  )
  const letters = yield* servers.query<{ payload: string }>(
    "select convert_from(payload, 'UTF8') as payload from tenant_acme.dead_letters order by sequence"
  )
  assert.deepStrictEqual(
    letters.map(({ payload }) => payload),
    Array.from({ length: TOTAL / POISON_EVERY }, (_, index) => `{ poison ${index * POISON_EVERY}`)
  )
  assert.lengthOf(yield* servers.query("select 1 from pg_namespace where nspname = 'replay_acme'"), 0)
})

describe("core killed in the middle of a replay under load", () => {
  for (const span of ["ReplayStore.prepare", "ReplayStore.copyNext", "ReplayStore.freshLane", "ReplayStore.swap"]) {
    it.live(
      `finishes it when it comes back, and every event is stored once (killed after ${span})`,
      () =>
        Effect.gen(function* () {
          const servers = yield* startSurroundings(SMALL_BATCHES)
          const child = yield* spawnCore(servers, span)
          yield* startWrong(servers)
          const load = yield* Effect.forkChild(publishNumbers(servers, STORED, TOTAL))
          // It may die before it answers.
          yield* Effect.ignore(requestReplay(servers))
          yield* awaitKilled(child)
          yield* startCoreIn(servers)
          yield* awaitDone(servers, 1)
          yield* Fiber.join(load)
          yield* audit(servers)
        }),
      120_000
    )
  }
})

describe("core killed again and again while a replay runs under load", () => {
  it.live(
    "finishes it, and every event is stored once (3 kills)",
    () =>
      Effect.gen(function* () {
        const servers = yield* startSurroundings(SMALL_BATCHES)
        const first = yield* spawnCore(servers)
        yield* startWrong(servers)
        const load = yield* Effect.forkChild(publishNumbers(servers, STORED, TOTAL))
        yield* requestReplay(servers)
        first.kill("SIGKILL")
        yield* awaitKilled(first)
        for (let kill = 0; kill < 2; kill += 1) {
          const child = yield* spawnCore(servers)
          // Wherever it has come to by then.
          yield* Effect.sleep(Math.random() * 400)
          child.kill("SIGKILL")
          yield* awaitKilled(child)
        }
        yield* startCoreIn(servers)
        yield* awaitDone(servers, 1)
        yield* Fiber.join(load)
        yield* audit(servers)
      }),
    180_000
  )
})

describe("PostgreSQL killed in the middle of a replay under load", () => {
  it.live(
    "finishes it when PostgreSQL is back, and every event is stored once",
    () =>
      Effect.gen(function* () {
        const core = yield* startCore(SMALL_BATCHES)
        yield* startWrong(core)
        const load = yield* Effect.forkChild(publishNumbers(core, STORED, TOTAL))
        const { id } = yield* requestReplay(core)
        yield* waitUntil(
          "messages are decoded again",
          Effect.map(core.api.replays.get({ params: { slug, id } }), ({ rows }) => rows > 0)
        )
        yield* core.postgres.kill
        yield* core.postgres.start
        yield* awaitDone(core, id)
        yield* Fiber.join(load)
        yield* audit(core)
      }),
    120_000
  )
})

describe("nats-server killed in the middle of a replay under load", () => {
  it.live(
    "finishes it when nats-server is back, and every event is stored once",
    () =>
      Effect.gen(function* () {
        const core = yield* startCore(SMALL_BATCHES)
        yield* startWrong(core)
        const load = yield* Effect.forkChild(publishNumbers(core, STORED, TOTAL))
        const { id } = yield* requestReplay(core)
        yield* core.nats.kill
        yield* core.nats.start
        yield* awaitDone(core, id)
        yield* Fiber.join(load)
        yield* audit(core)
      }),
    120_000
  )
})

describe("core killed while it tries dead letters again", () => {
  it.live(
    "has stored each letter once when it is asked again",
    () =>
      Effect.gen(function* () {
        const servers = yield* startSurroundings(SMALL_BATCHES)
        const child = yield* spawnCore(servers)
        yield* servers.api.tenants.create({ payload: { slug, name: "Acme", plan: "free" } })
        yield* publishNumbers(servers, 0, 2)
        yield* servers.awaitStored(slug, 2)
        yield* waitUntil(
          "the poison is kept",
          Effect.map(servers.query("select 1 from tenant_acme.dead_letters"), (rows) => rows.length === 1)
        )
        // Two thousand letters that decode now.
        yield* servers.query(
          `insert into tenant_acme.dead_letters (lane, sequence, subject, headers, payload, reason, detail, received_at)
           select lane, 10000 + n, subject, headers, convert_to(
             '{"id":"0d1fa1b2-0000-4000-8000-' || lpad(n::text, 12, '0') || '","class_uid":1008,"category_uid":1,' ||
             '"type_uid":100801,"activity_id":1,"unmapped":{"owner":"acme","number":' || (10000 + n) || '}}', 'UTF8'),
             reason, detail, received_at from tenant_acme.dead_letters, generate_series(1, 2000) n`
        )
        const retry = servers.api.deadLetters.retry({ params, payload: { filter: {}, limit: 1_000 } })
        const asked = yield* Effect.forkChild(Effect.exit(retry))
        yield* waitUntil(
          "some are stored",
          Effect.map(servers.stored(slug), (rows) => rows.length > 2)
        )
        child.kill("SIGKILL")
        yield* awaitKilled(child)
        yield* Fiber.join(asked)
        yield* startCoreIn(servers)
        yield* servers.awaitStored(slug, 2)
        for (let left = 1; left > 0; ) ({ left } = yield* retry)
        const numbers = (yield* servers.stored(slug)).map(({ number }) => number)
        assert.lengthOf(numbers, 2_002)
        assert.lengthOf([...new Set(numbers)], 2_002)
        const letters = yield* servers.api.deadLetters.list({ params, query: { limit: 10 } })
        assert.deepStrictEqual(letters.counts, { malformed_json: 1 })
      }),
    120_000
  )
})
