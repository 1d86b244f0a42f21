/** Rules from the API to the bucket that zen-consumer reads. */
import { waitUntil } from "@bulkhead/devstack"
import { parseRuleSet, RULE_BUCKET, SHIPPED_RULES } from "@bulkhead/rules"
import type { TenantSlug } from "@bulkhead/tenancy"
import { assert, describe, layer } from "@effect/vitest"
import { jetstream, jetstreamManager } from "@nats-io/jetstream"
import { Kvm } from "@nats-io/kv"
import { connect, headers as makeHeaders } from "@nats-io/transport-node"
import { Context, Effect, Layer } from "effect"
import { startCore } from "../testing/coreHarness.ts"
import { ask, assertProblem } from "./ask.ts"

const start = Effect.gen(function* () {
  const core = yield* startCore({ RULES_TIMEOUT_MS: "1000" })
  const connection = yield* Effect.acquireRelease(
    Effect.promise(() => connect({ servers: core.nats.url, maxReconnectAttempts: -1, reconnectTimeWait: 50 })),
    (open) => Effect.promise(() => open.close())
  )
  /** What the bucket says, by key. */
  const bucket = Effect.promise(async () => {
    const kv = await new Kvm(connection).open(RULE_BUCKET)
    const said = new Map<string, string>()
    for await (const entry of await kv.history()) said.set(entry.key, entry.string())
    return said
  })
  const keysOf = (slug: string) =>
    Effect.map(bucket, (said) => [...said.keys()].filter((key) => key.split(".")[0] === slug).sort())
  const addTenant = (slug: string) =>
    core.api.tenants.create({ payload: { slug: slug as TenantSlug, name: slug, plan: "free" } })
  const awaitKeys = (slug: string, keys: ReadonlyArray<string>) =>
    waitUntil(
      `the bucket has ${keys} of ${slug}`,
      keysOf(slug).pipe(
        Effect.map((found) => found.join() === keys.join()),
        Effect.catchCause(() => Effect.succeed(false))
      ),
      "30 seconds"
    )
  return { ...core, connection, bucket, keysOf, addTenant, awaitKeys }
})

class World extends Context.Service<World, Effect.Success<typeof start>>()("World") {
  static readonly layer = Layer.effect(World, start)
}

/** A rule that sets one field. */
const setField = (key: string, value: string) => ({
  nodes: [
    { id: "in", name: "message", type: "inputNode" as const },
    { id: "set", name: "set", type: "expressionNode" as const, content: { expressions: [{ id: "1", key, value }] } },
    { id: "out", name: "result", type: "outputNode" as const }
  ],
  edges: [
    { id: "1", sourceId: "in", targetId: "set" },
    { id: "2", sourceId: "set", targetId: "out" }
  ]
})

const SEEDED = ["cef_severity.1", "snmp_severity.1", "strip_full_message.1"]
const seededKeys = (slug: string) => [slug, ...SEEDED.map((key) => `${slug}.${key}`)]

layer(World.layer, { excludeTestServices: true, timeout: "120 seconds" })("rules", (it) => {
  describe("API", () => {
    it.effect("gives a tenant the shipped rules, and follows every change into the bucket", () =>
      Effect.gen(function* () {
        const { api, addTenant, awaitKeys, bucket } = yield* World
        yield* addTenant("acme")
        const params = { slug: "acme" }
        const { rules, groups } = yield* api.rules.list({ params })
        assert.sameMembers(
          rules.map(({ name }) => name),
          SHIPPED_RULES.map(({ name }) => name)
        )
        assert.deepInclude(groups[0], { name: "syslog", rules: ["strip_full_message", "cef_severity"] })
        yield* awaitKeys("acme", seededKeys("acme"))

        const mark = { params: { slug: "acme", rule: "mark" } }
        const put = (value: string, group?: string) =>
          api.rules.put({
            ...mark,
            payload: { content: setField("mark", value), result: "overlay", ...(group === undefined ? {} : { group }) }
          })
        assert.deepInclude(yield* put("1", "syslog"), { revision: 1, isPublished: true, isEnabled: true })
        assert.deepInclude(yield* put("1"), { revision: 1 }, "the same is not stored again")
        assert.deepInclude(yield* put("2"), { revision: 2, isPublished: true })
        const syslog = Effect.map(bucket, (said) => parseRuleSet(said.get("acme") ?? "")?.groups[0]?.rules)
        const named = Effect.map(syslog, (steps) => steps?.map(({ rule, revision }) => `${rule}@${revision}`))
        assert.deepStrictEqual(yield* named, ["strip_full_message@1", "cef_severity@1", "mark@2"])
        assert.isTrue((yield* bucket).has("acme.mark.2"))
        assert.isFalse((yield* bucket).has("acme.mark.1"))

        yield* api.rules.disable(mark)
        assert.deepStrictEqual(yield* named, ["strip_full_message@1", "cef_severity@1"])
        yield* api.rules.enable(mark)
        assert.deepInclude(yield* api.rules.rollBack({ ...mark, payload: { revision: 1 } }), { revision: 1 })
        const order = { params: { slug: "acme", group: "syslog" }, payload: { rules: ["mark", "cef_severity"] } }
        yield* api.rules.putGroup(order)
        assert.deepStrictEqual(yield* named, ["mark@1", "cef_severity@1"])

        const shown = yield* api.rules.get({ ...mark, query: { revision: 2 } })
        assert.deepInclude(shown, { revision: 1, shown: 2 })
        assert.deepStrictEqual(
          shown.revisions.map(({ revision }) => revision),
          [2, 1]
        )
        const { groups: after } = yield* api.rules.delete(mark)
        assert.deepInclude(after[0], { rules: ["cef_severity"] })
        assert.deepStrictEqual(yield* named, ["cef_severity@1"])
        const health = {
          params: { slug: "acme", group: "health" },
          payload: { rules: [], subjects: ["logs.internal.health"] }
        }
        assert.strictEqual((yield* api.rules.putGroup(health)).groups[0]?.name, "health")
        assert.notStrictEqual((yield* api.rules.deleteGroup({ params: health.params })).groups[0]?.name, "health")
      })
    )

    it.effect("tries rules on messages, and no rule of one tenant is another's", () =>
      Effect.gen(function* () {
        const { api, addTenant } = yield* World
        yield* addTenant("trier")
        yield* addTenant("other")
        const params = { slug: "trier" }
        const content = setField("doubled", "n * 2")
        yield* api.rules.put({
          params: { ...params, rule: "double" },
          payload: { content, result: "overlay", group: "snmp" }
        })
        const messages = ['{"n":2}', '{"n":9e99}', "{"]
        const [good, tooLarge, noJson] = yield* api.rules.validate({ params, payload: { messages, rule: "double" } })
        assert.deepStrictEqual(good, { result: '{"n":2,"doubled":4}' })
        assert.deepInclude(tooLarge, { reason: "rule_input_unusable" })
        assert.deepInclude(noJson, { reason: "rule_input_unusable" })
        const loop = "export const handler = async () => { while (true) {} }"
        const hostile = setField("a", "1").nodes.map((node) =>
          node.id === "set"
            ? { id: "set", name: "loop", type: "functionNode" as const, content: { source: loop } }
            : node
        )
        const tried = yield* api.rules.validate({
          params,
          payload: { messages: ["{}"], content: { ...setField("a", "1"), nodes: hostile }, result: "replace" }
        })
        assert.lengthOf(tried, 1)
        assert.property(tried[0], "reason")
        const bySubject = yield* api.rules.validate({
          params,
          payload: { messages: ['{"n":3}'], subject: "logs.snmp" }
        })
        assert.include(JSON.stringify(bySubject), "doubled")
        const { rules } = yield* api.rules.list({ params: { slug: "other" } })
        assert.notInclude(
          rules.map(({ name }) => name),
          "double"
        )
      })
    )

    it.effect("refuses what is no rule, no name, no subject and no revision, and says what to do", () =>
      Effect.gen(function* () {
        const { url, addTenant } = yield* World
        yield* addTenant("careful")
        const rules = "/v1/tenants/careful/rules"
        const put = (name: string, body: unknown) => ask(url, "PUT", `${rules}/${name}`, body)
        const content = setField("a", "1")
        assertProblem(yield* put("Bad%20Name", { content, result: "overlay" }), 422, /Bad Name.*63 characters/)
        assertProblem(yield* put("a", { content, result: "sideways" }), 400, /result/)
        const stranger = { ...content, nodes: [{ id: "x", name: "x", type: "decisionNode" }] }
        assertProblem(yield* put("a", { content: stranger, result: "overlay" }), 400, /type/)
        assertProblem(
          yield* put("a", { content, result: "overlay", group: "nowhere" }),
          404,
          /no group .*nowhere.*syslog/
        )
        assertProblem(yield* ask(url, "GET", `${rules}/nothing`), 404, /no rule .*nothing.*cef_severity/)
        const back = ask(url, "POST", `${rules}/cef_severity/rollback`, { revision: 7 })
        assertProblem(yield* back, 404, /cef_severity@7.*: 1/)
        const group = (body: unknown) => ask(url, "PUT", "/v1/tenants/careful/rule-groups/new", body)
        assertProblem(yield* group({ rules: [] }), 422, /no group .*new.*needs subjects/)
        assertProblem(yield* group({ rules: [], subjects: ["events.ocsf"] }), 422, /events.ocsf.*logs.syslog/)
        assertProblem(yield* group({ rules: ["nothing"], subjects: ["logs.snmp"] }), 404, /no rule .*nothing/)
        assertProblem(yield* ask(url, "GET", "/v1/tenants/nobody/rules"), 404, /no tenant .*nobody/)
        assertProblem(
          yield* put("big", { content: setField("a", "x".repeat(300_000)), result: "overlay" }),
          400,
          /262144/
        )
      })
    )
  })

  describe("a bucket that somebody emptied or deleted", () => {
    it.effect("is written again, and says nothing of tenants that are gone", () =>
      Effect.gen(function* () {
        const { addTenant, awaitKeys, connection } = yield* World
        yield* addTenant("kept")
        yield* awaitKeys("kept", seededKeys("kept"))
        const manager = yield* Effect.promise(() => jetstreamManager(connection))
        yield* Effect.promise(() => manager.streams.purge(`KV_${RULE_BUCKET}`))
        yield* awaitKeys("kept", seededKeys("kept"))
        yield* Effect.promise(() => manager.streams.delete(`KV_${RULE_BUCKET}`))
        yield* awaitKeys("kept", seededKeys("kept"))
        yield* Effect.promise(async () => (await new Kvm(connection).open(RULE_BUCKET)).put("stranger", "{}"))
        yield* awaitKeys("stranger", [])
      })
    )
  })

  describe("a message that rules failed on", () => {
    it.effect("is a dead letter with rule, revision and reason, until the rules that are in force now take it", () =>
      Effect.gen(function* () {
        const { api, addTenant, connection, query } = yield* World
        yield* addTenant("failing")
        const params = { slug: "failing" }
        const rule = { params: { ...params, rule: "picky" } }
        const put = (value: string) =>
          api.rules.put({ ...rule, payload: { content: setField("mark", value), result: "overlay", group: "snmp" } })
        yield* put("number(word)")
        const headers = makeHeaders()
        headers.set("Bulkhead-Rule", "picky")
        headers.set("Bulkhead-Rule-Revision", "1")
        headers.set("Bulkhead-Reason", "rule_failed")
        headers.set("Bulkhead-Detail", "no number")
        const subject = "failing.logs.snmp.failed"
        yield* Effect.promise(() => jetstream(connection).publish(subject, '{"message":"up","word":"x"}', { headers }))
        const letters = Effect.map(api.deadLetters.list({ params, query: { limit: 10 } }), (page) => page.letters)
        yield* waitUntil(
          "the dead letter",
          Effect.map(letters, (found) => found.length === 1)
        )
        const [letter] = yield* letters
        assert.deepInclude(letter, { reason: "rule_failed", subject, attempts: 0 })
        assert.match(letter?.detail ?? "", /rule "picky" revision 1: no number/)

        const all = { params, payload: { filter: {}, limit: 10 } }
        assert.deepInclude(yield* api.deadLetters.retry(all), { stored: 0, kept: 1 })
        assert.match((yield* letters)[0]?.detail ?? "", /rule "picky" revision 1: .+/)
        assert.notMatch((yield* letters)[0]?.detail ?? "", /no number/)
        yield* put("word + '!'")
        assert.deepInclude(yield* api.deadLetters.retry(all), { stored: 1, kept: 0 })
        assert.isEmpty(yield* letters)
        const rows = yield* query<{ found: string }>("select attributes->>'mark' as found from tenant_failing.logs")
        assert.deepStrictEqual(rows, [{ found: "x!" }])
      })
    )
  })

  describe("a tenant that is deleted", () => {
    it.effect("leaves neither key nor row", () =>
      Effect.gen(function* () {
        const { api, addTenant, awaitKeys, query } = yield* World
        yield* addTenant("leaving")
        yield* awaitKeys("leaving", seededKeys("leaving"))
        const report = yield* api.tenants.delete({ params: { slug: "leaving" } })
        assert.deepInclude(report, { rules: { bucket: RULE_BUCKET, keys: 0 } })
        yield* awaitKeys("leaving", [])
        assert.isEmpty(
          yield* query(`select from bulkhead.rules left join bulkhead.tenants on id = tenant_id where id is null`)
        )
      })
    )
  })

  describe("nats-server away", () => {
    it.effect("a change is stored, and the bucket follows when the server is back", () =>
      Effect.gen(function* () {
        const { api, addTenant, nats, awaitKeys } = yield* World
        yield* addTenant("patient")
        yield* awaitKeys("patient", seededKeys("patient"))
        yield* nats.stop
        const change = yield* api.rules.disable({ params: { slug: "patient", rule: "snmp_severity" } })
        assert.deepInclude(change, { isEnabled: false, isPublished: false })
        yield* nats.start
        yield* awaitKeys("patient", ["patient", "patient.cef_severity.1", "patient.strip_full_message.1"])
      })
    )
  })
})
