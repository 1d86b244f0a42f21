import { schemaName, type TenantSlug } from "@bulkhead/channels"
import { waitUntil } from "@bulkhead/devstack"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { startCore } from "../testing/coreHarness.ts"
import { encode, ocsfEvent } from "../testing/events.ts"
import { ask, assertProblem } from "./ask.ts"

const slug = "acme" as TenantSlug

/** Core with a tenant that has `poison` among its events, all of it taken by the lane. */
const startWith = Effect.fnUntraced(function* (poison: ReadonlyArray<Uint8Array>) {
  const core = yield* startCore()
  yield* core.api.tenants.create({ payload: { slug, name: "Acme", plan: "free" } })
  for (const [index, data] of poison.entries()) {
    yield* core.publish(slug, "events.poller.health", ocsfEvent(slug, index))
    yield* core.publish(slug, "events.poller.health", data)
  }
  yield* waitUntil(
    "the poison is kept",
    Effect.map(
      core.api.deadLetters.list({ params: { slug }, query: { limit: 1_000 } }),
      ({ letters }) => letters.length === poison.length
    )
  )
  return core
})

/** A message that was poison, and is none any more: as if its decoder had been corrected. */
const correct = (core: Effect.Success<ReturnType<typeof startCore>>, ids: string) =>
  core.query(
    `update ${schemaName(slug)}.dead_letters set payload = convert_to(
       '{"id":"0d1fa1b2-0000-4000-8000-' || lpad(id::text, 12, '0') || '","class_uid":1008,"category_uid":1,' ||
       '"type_uid":100801,"activity_id":1,"unmapped":{"owner":"acme","number":' || (1000 + id) || '}}', 'UTF8')
     where id in (${ids})`
  )

describe("dead letters API", () => {
  it.live("lists, shows, tries again and purges, and says so in health and metrics", () =>
    Effect.gen(function* () {
      const bytes = Uint8Array.from([0x7b, 0xff])
      const core = yield* startWith([encode("{"), bytes, encode("[]"), encode("{}")])
      const { url } = core
      const path = "/v1/tenants/acme/dead-letters"

      const page = yield* ask(url, "GET", `${path}?limit=3`)
      assert.deepInclude(page.body, {
        counts: { malformed_json: 1, missing_field: 1, not_an_object: 1, not_utf8: 1 },
        next: 2
      })
      const rest = yield* ask(url, "GET", `${path}?limit=3&before=2`)
      assert.deepStrictEqual(
        (rest.body.letters as Array<{ id: number }>).map(({ id }) => id),
        [1]
      )
      assert.notProperty(rest.body, "next")
      const found = yield* ask(url, "GET", `${path}?reason=not_utf8&subject=acme.events.*.health`)
      assert.deepStrictEqual(
        (found.body.letters as Array<{ id: number }>).map(({ id }) => id),
        [2]
      )

      const raw = yield* ask(url, "GET", `${path}/2`)
      assert.deepInclude(raw.body, { payloadBase64: Buffer.from(bytes).toString("base64"), payloadBytes: 2 })
      assert.notProperty(raw.body, "payloadText")
      const text = yield* ask(url, "GET", `${path}/1`)
      assert.deepInclude(text.body, { payloadText: "{", reason: "malformed_json", attempts: 0 })
      assert.property(text.body.headers, "Nats-Msg-Id")

      yield* correct(core, "1, 3")
      const again = yield* ask(url, "POST", `${path}/replay`, { filter: {} })
      assert.deepInclude(again.body, { stored: 2, kept: 2, gone: 0, left: 0 })
      const twice = yield* ask(url, "POST", `${path}/replay`, { ids: [1, 2] })
      assert.deepInclude(twice.body, { stored: 0, kept: 1, gone: 1 })
      const stored = yield* core.query<{ number: number; sequence: number; lane: number }>(
        `select (unmapped->>'number')::int as number, stream_seq::int as sequence, lane_id as lane
         from tenant_acme.ocsf_events where (unmapped->>'number')::int > 1000 order by 1`
      )
      assert.deepStrictEqual(
        stored.map(({ number }) => number),
        [1001, 1003]
      )
      assert.isTrue(stored.every(({ lane, sequence }) => lane === 1 && sequence > 0))
      assert.deepInclude((yield* ask(url, "GET", `${path}/2`)).body, { attempts: 2 })

      const health = yield* core.api.health.get({ params: { slug } })
      assert.deepStrictEqual(health.deadLettersPresent, { missing_field: 1, not_utf8: 1 })
      assert.match(yield* core.metrics, /bulkhead_dead_letters\{tenant="acme",reason="not_utf8"[^}]*\} 1/)
      assert.notMatch(yield* core.metrics, /bulkhead_dead_letters\{tenant="acme",reason="malformed_json"/)

      const refused = yield* ask(url, "POST", `${path}/purge`, { filter: { reason: "not_utf8" } })
      assertProblem(refused, 409, /finds 1 dead letters.*\\"confirm\\": \\"reason=not_utf8\\"/)
      const wrong = { filter: { reason: "not_utf8" }, confirm: "all" }
      assertProblem(yield* ask(url, "POST", `${path}/purge`, wrong), 409, /\\"all\\" is confirmed/)
      const confirmed = { filter: { reason: "not_utf8" }, confirm: refused.body.confirm }
      assert.deepStrictEqual((yield* ask(url, "POST", `${path}/purge`, confirmed)).body, { purged: 1 })
      assert.deepStrictEqual((yield* ask(url, "POST", `${path}/purge`, { ids: [4, 4, 7] })).body, { purged: 1 })
      assert.deepStrictEqual((yield* ask(url, "GET", path)).body, { letters: [], counts: {} })
      assert.deepStrictEqual((yield* core.api.health.get({ params: { slug } })).deadLettersPresent, {})
    })
  )

  it.live("refuses bad input with a problem that names the value, the limit or the next step", () =>
    Effect.gen(function* () {
      const { url } = yield* startWith([encode("{")])
      const path = "/v1/tenants/acme/dead-letters"
      const get = (query: string) => ask(url, "GET", `${path}${query}`)
      const post = (action: string, body: unknown) => ask(url, "POST", `${path}/${action}`, body)
      assertProblem(yield* get("?limit=0"), 400, /limit.*1/)
      assertProblem(yield* get("?limit=1001"), 400, /1000/)
      assertProblem(yield* get("?limit=many"), 400, /limit/)
      assertProblem(yield* get("?reason=bad_luck"), 400, /reason.*malformed_json/)
      assertProblem(yield* get("?since=yesterday"), 400, /since/)
      assertProblem(yield* get("/nine"), 400, /id/)
      assertProblem(yield* get("/99"), 404, /no dead letter 99.*List them/)
      assertProblem(yield* ask(url, "GET", "/v1/tenants/nobody/dead-letters"), 404, /no tenant \\"nobody\\"/)
      assertProblem(yield* ask(url, "GET", "/v1/tenants/No%20Body/dead-letters"), 404, /no tenant/)
      assertProblem(yield* post("replay", { ids: [] }), 400, /ids/)
      assertProblem(yield* post("replay", { ids: Array.from({ length: 1_001 }, () => 1) }), 400, /1000/)
      assertProblem(yield* post("replay", {}), 400, /filter|ids/)
      assertProblem(yield* post("replay", { filter: { reason: "x" } }), 400, /reason/)
      assertProblem(yield* post("purge", { ids: [-1] }), 400, /ids/)
      assertProblem(yield* post("purge", { filter: {} }), 409, /\\"confirm\\": \\"all\\"/)
      assert.lengthOf((yield* get("")).body.letters as Array<unknown>, 1)
    })
  )
})
