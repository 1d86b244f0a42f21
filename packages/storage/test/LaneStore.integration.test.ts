import type { TenantSlug } from "@bulkhead/channels"
import type { OcsfEventRow } from "@bulkhead/records"
import { DecodeError, decodeOcsfEvent } from "@bulkhead/records"
import { assert, describe, layer } from "@effect/vitest"
import { Effect } from "effect"
import fc from "fast-check"
import { Database, type DeadLetter, LaneStore, type StorageError, TenantStats } from "../src/index.ts"
import { asTenant } from "../src/internal/tenantTransaction.ts"
import {
  batchOf,
  eventAt,
  eventsBetween,
  LANE,
  messageAt,
  newTenant,
  rowsOf,
  slug,
  storage,
  tablesOf
} from "./fixtures.ts"

const deadLetter = (sequence: number, overrides: Partial<DeadLetter> = {}): DeadLetter => ({
  ...messageAt(sequence),
  reason: "malformed_json",
  detail: "the payload is no JSON",
  ...overrides
})

const watermarkOf = Effect.fnUntraced(function* (tenant: TenantSlug, lane = LANE) {
  return (yield* (yield* LaneStore).open(tenant, lane)).watermark
})

const openTenant = Effect.fnUntraced(function* (name: string) {
  const tenant = yield* newTenant(name)
  yield* (yield* LaneStore).open(tenant.slug, LANE)
  return tenant.slug
})

describe("LaneStore", () => {
  layer(storage, { excludeTestServices: true })((it) => {
    describe("watermark", () => {
      it.effect("opens a new lane at 0 and keeps lanes apart", () =>
        Effect.gen(function* () {
          const store = yield* LaneStore
          const tenant = yield* openTenant("marks")
          yield* store.commit(batchOf("marks", 0, 7))
          assert.strictEqual(yield* watermarkOf(tenant), 7)
          assert.strictEqual(yield* watermarkOf(tenant, "another"), 0)
        })
      )

      it.effect("keeps sequences beyond 32 bits exact", () =>
        Effect.gen(function* () {
          const store = yield* LaneStore
          const tenant = yield* openTenant("far")
          yield* store.commit(batchOf("far", 0, 2 ** 52, { events: [] }))
          yield* store.commit(batchOf("far", 2 ** 52, 2 ** 52 + 1, { events: [eventAt(1)] }))
          assert.strictEqual(yield* watermarkOf(tenant), 2 ** 52 + 1)
        })
      )

      it.effect("says so where the tenant has no schema", () =>
        Effect.gen(function* () {
          const store = yield* LaneStore
          for (const attempt of [store.open(slug("ghost"), LANE), store.commit(batchOf("ghost", 0, 1))]) {
            const error: StorageError = yield* Effect.flip(attempt as Effect.Effect<unknown, StorageError>)
            assert.strictEqual(error.reason._tag, "TenantNotProvisioned")
          }
        })
      )
    })

    describe("commit", () => {
      it.effect("writes every column as it came", () =>
        Effect.gen(function* () {
          const store = yield* LaneStore
          const tenant = yield* openTenant("columns")
          const full: OcsfEventRow = {
            ...eventAt(1),
            time: new Date("2026-11-01T10:00:00.123Z"),
            status_id: 2_147_483_647,
            status: "ok",
            status_code: "0",
            status_detail: "détail 😀",
            metadata: '{"a":{"b":[1,2.5,"x"]}}',
            observables: '[{"name":"ip"}]',
            trace_id: "t",
            span_id: "s",
            actor: '{"app_name":"core"}',
            device: "{}",
            src_endpoint: '{"ip":"10.0.0.1"}',
            dst_endpoint: '{"ip":"10.0.0.2"}',
            log_level: "info",
            log_version: "1",
            log_provider: "p",
            unmapped: '{"__proto__":1}'
          }
          yield* store.commit(batchOf("columns", 0, 1, { events: [full] }))
          const [stored] = yield* tablesOf(tenant).events
          const json = [
            "metadata",
            "observables",
            "actor",
            "device",
            "src_endpoint",
            "dst_endpoint",
            "unmapped"
          ] as const
          const expected: Record<string, unknown> = { ...full }
          for (const column of json) expected[column] = JSON.parse(full[column] ?? "null")
          assert.deepInclude(stored, expected)
        })
      )

      it.effect("keeps two tenants apart that commit at the same time", () =>
        Effect.gen(function* () {
          const store = yield* LaneStore
          const tenants = [yield* openTenant("mix-a"), yield* openTenant("mix-b")]
          yield* Effect.forEach(
            tenants,
            (tenant) =>
              Effect.gen(function* () {
                for (let from = 0; from < 500; from += 50) {
                  const events = eventsBetween(from, from + 50).map((event) => ({ ...event, log_name: tenant }))
                  yield* store.commit(batchOf(tenant, from, from + 50, { events }))
                }
              }),
            { concurrency: "unbounded" }
          )
          for (const tenant of tenants) {
            const rows = yield* tablesOf(tenant).events
            assert.lengthOf(rows, 500)
            assert.deepStrictEqual([...new Set(rows.map((row) => row.log_name))], [tenant])
          }
        })
      )

      it.effect("moves the watermark over a batch without rows", () =>
        Effect.gen(function* () {
          const store = yield* LaneStore
          const tenant = yield* openTenant("empty")
          assert.deepStrictEqual(yield* store.commit(batchOf("empty", 0, 9, { events: [] })), {
            rows: 0,
            deadLetters: []
          })
          assert.strictEqual(yield* watermarkOf(tenant), 9)
        })
      )

      it.effect("keeps dead letters whole, whatever bytes and headers they have", () =>
        Effect.gen(function* () {
          const store = yield* LaneStore
          const tenant = yield* openTenant("letters")
          const payload = Uint8Array.from({ length: 256 }, (_, index) => index)
          const headers = { "X-Odd\u0000": "a\u0000b\ud800", __proto__x: "y" }
          const letters = [deadLetter(1, { payload, headers, subject: "s\u0000", detail: "\ud800" }), deadLetter(2)]
          yield* store.commit(batchOf("letters", 0, 2, { events: [], deadLetters: letters }))
          const [odd, plain] = yield* tablesOf(tenant).deadLetters
          assert.deepStrictEqual(Array.from(odd?.payload as Uint8Array), Array.from(payload))
          assert.deepStrictEqual(odd?.headers, { "X-Odd\ufffd": "a\ufffdb\ufffd", __proto__x: "y" })
          assert.deepInclude(plain, {
            lane: LANE,
            sequence: 2n,
            subject: "acme.events.ocsf.processed",
            reason: "malformed_json",
            detail: "the payload is no JSON"
          })
          const [stats] = yield* (yield* TenantStats).lanes(tenant)
          assert.deepInclude(stats, { watermark: 2, rows: 0, deadLetters: 2 })
        })
      )
    })

    describe("a second writer", () => {
      it.effect("is told where the lane stands, and writes nothing", () =>
        Effect.gen(function* () {
          const store = yield* LaneStore
          const tenant = yield* openTenant("lost")
          yield* store.commit(batchOf("lost", 0, 10))
          const error = yield* Effect.flip(store.commit(batchOf("lost", 5, 20, { deadLetters: [deadLetter(6)] })))
          assert.strictEqual(error.reason._tag, "LaneLost")
          assert.deepInclude(error.reason, { expected: 5, observed: 10 })
          assert.isFalse(error.isRetryable)
          assert.lengthOf(yield* rowsOf(tenant), 10)
          assert.isEmpty(yield* tablesOf(tenant).deadLetters)
        })
      )

      it.effect("is told so for a lane that nobody opened", () =>
        Effect.gen(function* () {
          yield* openTenant("unopened")
          const batch = batchOf("unopened", 0, 5, { lane: "never" })
          const error = yield* Effect.flip((yield* LaneStore).commit(batch))
          assert.strictEqual(error.reason._tag, "LaneLost")
        })
      )

      it.effect("wins or loses a whole batch when ten race for the same one", () =>
        Effect.gen(function* () {
          const store = yield* LaneStore
          const tenant = yield* openTenant("race")
          const exits = yield* Effect.forEach(
            Array.from({ length: 10 }),
            () => Effect.result(store.commit(batchOf("race", 0, 100))),
            { concurrency: "unbounded" }
          )
          const losses = exits.filter((exit) => exit._tag === "Failure")
          assert.lengthOf(losses, 9)
          for (const loss of losses) assert.strictEqual(loss.failure.reason._tag, "LaneLost")
          assert.lengthOf(yield* rowsOf(tenant), 100)
        })
      )
    })

    describe("rows that PostgreSQL refuses", () => {
      it.effect("become dead letters, and the good ones are written (6 of 100)", () =>
        Effect.gen(function* () {
          const store = yield* LaneStore
          const tenant = yield* openTenant("bisect")
          const bad = new Map<number, Partial<OcsfEventRow>>([
            [1, { message: "\u0000" }],
            [2, { metadata: "{" }],
            [50, { id: "no uuid" }],
            [51, { class_uid: 3_000_000_000 }],
            [99, { time: new Date(Number.NaN) }],
            [100, { unmapped: '{"a":"\\ud800"}' }]
          ])
          const events = Array.from({ length: 100 }, (_, index) => eventAt(index + 1, bad.get(index + 1)))
          const letter = deadLetter(7)
          const { rows, deadLetters } = yield* store.commit(
            batchOf("bisect", 0, 101, { events, deadLetters: [letter] })
          )
          assert.strictEqual(rows, 94)
          assert.deepStrictEqual(
            deadLetters.map(({ sequence }) => sequence),
            [7, ...bad.keys()]
          )
          const stored = yield* tablesOf(tenant).deadLetters
          assert.deepStrictEqual(
            stored.map(({ reason }) => reason),
            ["malformed_json", ...Array.from(bad, () => "refused_by_database")]
          )
          assert.lengthOf(yield* rowsOf(tenant), 94)
          assert.strictEqual(yield* watermarkOf(tenant), 101)
        })
      )

      it.effect("do not hide that the lane is lost", () =>
        Effect.gen(function* () {
          const store = yield* LaneStore
          const tenant = yield* openTenant("bisect-lost")
          yield* store.commit(batchOf("bisect-lost", 0, 3))
          const batch = batchOf("bisect-lost", 0, 2, { events: [eventAt(1), eventAt(2, { id: "x" })] })
          assert.strictEqual((yield* Effect.flip(store.commit(batch))).reason._tag, "LaneLost")
          assert.lengthOf(yield* rowsOf(tenant), 3)
        })
      )
    })

    describe("a partition that was taken away", () => {
      it.effect("makes no dead letters: the batch waits, and is written when the partition is back", () =>
        Effect.gen(function* () {
          const store = yield* LaneStore
          const tenant = yield* openTenant("no-default")
          const { sql } = yield* Database
          const alter = (what: string) =>
            sql.unsafe(`alter table tenant_no_default.ocsf_events ${what}`).pipe(asTenant(sql, "test", tenant))
          yield* store.commit(batchOf("no-default", 0, 1))
          const odd = batchOf("no-default", 1, 3, { events: [eventAt(2), eventAt(3, { time: new Date(0) })] })
          yield* alter("detach partition tenant_no_default.ocsf_events_default")
          assert.strictEqual((yield* Effect.flip(store.commit(odd))).reason._tag, "StatementRefused")
          assert.lengthOf(yield* rowsOf(tenant), 1)
          yield* alter("attach partition tenant_no_default.ocsf_events_default default")
          assert.deepStrictEqual(yield* store.commit(odd), { rows: 2, deadLetters: [] })
        })
      )

      it.effect("is not mixed up with a constraint that forbids a row", () =>
        Effect.gen(function* () {
          const store = yield* LaneStore
          const tenant = yield* openTenant("constrained")
          const { sql } = yield* Database
          yield* sql
            .unsafe("alter table tenant_constrained.ocsf_events add constraint calm check (severity_id < 6)")
            .pipe(asTenant(sql, "test", tenant))
          const events = [eventAt(1), eventAt(2, { severity_id: 6 })]
          const { rows, deadLetters } = yield* store.commit(batchOf("constrained", 0, 2, { events }))
          assert.deepStrictEqual([rows, deadLetters.map(({ reason }) => reason)], [1, ["refused_by_database"]])
        })
      )
    })

    describe("whatever the decoder accepts", () => {
      it.effect("PostgreSQL stores (400 random documents)", () =>
        Effect.gen(function* () {
          const store = yield* LaneStore
          const tenant = yield* openTenant("accepted")
          const payloads = fc.sample(documents, 400)
          const decoded = payloads.map((payload) => decodeOcsfEvent(payload, { now: new Date() }))
          const events = decoded.filter((one): one is OcsfEventRow => !(one instanceof DecodeError))
          // The generator must not be so hostile that nothing is tested.
          assert.isAbove(events.length, 100)
          assert.isBelow(events.length, 400)
          const committed = yield* store.commit(batchOf("accepted", 0, 400, { events }))
          assert.deepStrictEqual(committed, { rows: events.length, deadLetters: [] })
          assert.lengthOf(yield* rowsOf(tenant), events.length)
        })
      )
    })
  })
})

const hostileText = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({ unit: "grapheme" }),
  fc.constantFrom("\u0000", "\ud800", "\\u0000", "😀", "x".repeat(10_000), "'; drop table x; --", "{}", "\u007f\u0085")
)
const hostileNumber = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.constantFrom(0, -0, 1, 5e-324, 1.7976931348623157e308, 2_147_483_647, 2_147_483_648, 9_007_199_254_740_992)
)
const { value: hostileJson } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    hostileText,
    hostileNumber,
    fc.constantFrom(null, true),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(hostileText, tie("value"), { maxKeys: 4 })
  )
}))
const object = fc.dictionary(hostileText, hostileJson, { maxKeys: 3 })
const documents = fc
  .record(
    {
      id: fc.uuid(),
      time: fc.oneof(
        fc.date({ min: new Date(0), max: new Date("9999-12-31T23:59:59.999Z"), noInvalidDate: true }),
        fc.double({ min: 0, max: 2e18, noNaN: true })
      ),
      class_uid: fc.integer({ min: 1, max: 2_147_483_647 }),
      category_uid: fc.integer({ min: 1, max: 99 }),
      type_uid: fc.integer({ min: 1, max: 2_147_483_647 }),
      activity_id: fc.constant(1),
      severity_id: fc.integer({ min: 0, max: 2_147_483_647 }),
      message: hostileText,
      trace_id: hostileText,
      log_name: hostileText,
      metadata: object,
      observables: fc.array(hostileJson, { maxLength: 3 }),
      unmapped: object,
      device: object
    },
    { requiredKeys: ["id", "class_uid", "category_uid", "type_uid", "activity_id"] }
  )
  .map((document) => new TextEncoder().encode(JSON.stringify(document)))
