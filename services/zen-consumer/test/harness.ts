/**
 * A nats-server, zen-consumer in this process, and what core would have made: tenants' streams and rules.
 */
import { streamName, type TenantSlug } from "@bulkhead/channels"
import { startNatsServer, waitUntil } from "@bulkhead/devstack"
import { Health, Metrics } from "@bulkhead/observability"
import { DEFAULT_GROUPS, RULE_BUCKET, type RuleSet, type RuleStep, ruleKey, ruleSetKey } from "@bulkhead/rules"
import { jetstream, jetstreamManager, type StoredMsg } from "@nats-io/jetstream"
import { Kvm } from "@nats-io/kv"
import { headers as makeHeaders } from "@nats-io/nats-core"
import { connect } from "@nats-io/transport-node"
import { ConfigProvider, Context, Effect, Layer } from "effect"
import { ZenApp } from "../src/ZenApp.ts"

const environment = (values: Record<string, string>) => ConfigProvider.layer(ConfigProvider.fromEnvRecord(values))

/** A rule that sets one field. */
export const setField = (name: string, expression: string) =>
  JSON.stringify({
    nodes: [
      { id: "input", name: "message", type: "inputNode" },
      {
        id: "set",
        name: "set",
        type: "expressionNode",
        content: { expressions: [{ id: "1", key: name, value: expression }] }
      },
      { id: "output", name: "result", type: "outputNode" }
    ],
    edges: [
      { id: "1", sourceId: "input", targetId: "set" },
      { id: "2", sourceId: "set", targetId: "output" }
    ]
  })

/** The rules of a tenant's syslog. */
export const syslogRules = (...rules: ReadonlyArray<RuleStep>): RuleSet => ({
  groups: DEFAULT_GROUPS.map((group) => (group.name === "syslog" ? { ...group, rules } : group))
})

export const startWorld = Effect.gen(function* () {
  const nats = yield* startNatsServer()
  const connection = yield* Effect.acquireRelease(
    Effect.promise(() => connect({ servers: nats.url, maxReconnectAttempts: -1, waitOnFirstConnect: true })),
    (open) => Effect.promise(() => open.close())
  )
  const manager = yield* Effect.promise(() => jetstreamManager(connection))
  const client = jetstream(connection)
  const bucket = yield* Effect.promise(() => new Kvm(connection).create(RULE_BUCKET))

  const addTenant = (slug: string, subjects = [`${slug}.logs.>`]) =>
    Effect.promise(() => manager.streams.add({ name: streamName(slug as TenantSlug), subjects, allow_direct: true }))

  const publish = (subject: string, data: string | Uint8Array, headers: Readonly<Record<string, string>> = {}) =>
    Effect.promise(() => {
      const sent = makeHeaders()
      for (const [name, value] of Object.entries(headers)) sent.set(name, value)
      return client.publish(subject, data, { headers: sent })
    })

  /** Everything on a subject, in the order of the stream. */
  const messagesOn = (slug: string, subject: string) =>
    Effect.promise(async () => {
      const stream = streamName(slug as TenantSlug)
      const found: Array<StoredMsg> = []
      const { state } = await manager.streams.info(stream, { subjects_filter: subject })
      const count = Object.values(state.subjects ?? {}).reduce((sum, one) => sum + one, 0)
      for (let seq = 1; found.length < count; ) {
        const message = await manager.direct.getMessage(stream, { seq, next_by_subj: subject })
        if (message === null) break
        found.push(message)
        seq = message.seq + 1
      }
      return found
    })

  const awaitMessages = Effect.fnUntraced(function* (slug: string, subject: string, count: number) {
    let found: ReadonlyArray<StoredMsg> = []
    yield* waitUntil(
      `${count} messages on ${subject}`,
      Effect.map(messagesOn(slug, subject), (messages) => {
        found = messages
        return messages.length >= count
      }),
      "20 seconds"
    )
    return found
  })

  const putRule = (slug: string, rule: string, revision: number, content: string) =>
    Effect.promise(() => bucket.put(ruleKey(slug as TenantSlug, rule, revision), content))
  const putSet = (slug: string, set: RuleSet) =>
    Effect.promise(() => bucket.put(ruleSetKey(slug as TenantSlug), JSON.stringify(set)))

  /** zen-consumer until the scope closes. */
  const startZen = Effect.fnUntraced(function* (change: Record<string, string> = {}) {
    const process = Layer.mergeAll(Health.layer, Metrics.layer("zen-consumer", "test"))
    const settings = environment({ NATS_URL: nats.url, ZEN_RECONCILE_MS: "100", RULES_TIMEOUT_MS: "1000", ...change })
    const context = yield* Layer.build(ZenApp.pipe(Layer.provideMerge(process), Layer.provide(settings)))
    return { metrics: Effect.promise(() => Context.get(context, Metrics).registry.metrics()) }
  })

  return { nats, connection, manager, addTenant, publish, messagesOn, awaitMessages, putRule, putSet, startZen }
})
