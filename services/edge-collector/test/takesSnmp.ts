import { randomBytes } from "node:crypto"
import { createRequire } from "node:module"
import { waitUntil } from "@bulkhead/devstack"
import { logDecoder } from "@bulkhead/records"
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import type { TrapRecord } from "../src/trapRecord.ts"
import { messagesOf, sendDatagrams } from "./harness.ts"
import { COMMUNITY, type It, Running, SNMP_USER } from "./Running.ts"

interface Session {
  trap(...args: ReadonlyArray<unknown>): void
  inform(...args: ReadonlyArray<unknown>): void
  close(): void
}

// The library's own client, of which the collector uses nothing.
const client = createRequire(import.meta.url)("net-snmp") as {
  createSession(host: string, community: string, options: object): Session
  createV3Session(host: string, user: object, options: object): Session
  readonly ObjectType: Readonly<Record<string, number>>
  readonly AuthProtocols: Readonly<Record<string, number>>
  readonly PrivProtocols: Readonly<Record<string, number>>
}
const { OctetString, Counter64, Integer } = client.ObjectType

const records = Effect.gen(function* () {
  const { installation } = yield* Running
  return (yield* messagesOf(installation, "logs.snmp")).map(({ subject, data }) => {
    assert.strictEqual(subject, "acme.logs.snmp")
    let rows = 0
    const received = { subject: "logs.snmp", headers: {}, data, timestamp: new Date() }
    assert.isUndefined(logDecoder(received, { add: () => (rows += 1) }))
    assert.strictEqual(rows, 1)
    return JSON.parse(new TextDecoder().decode(data)) as TrapRecord
  })
})

const awaitRecord = Effect.fnUntraced(function* (value: string) {
  const has = (record: TrapRecord) => record.varbinds.some((varbind) => varbind.value === value)
  yield* waitUntil(
    value,
    Effect.map(records, (found) => found.some(has))
  )
  const record = (yield* records).find(has)
  return record ?? assert.fail(value)
})

const named = (value: string | Buffer) => ({ oid: "1.3.6.1.4.1.9.1", type: OctetString, value })

export const takesSnmp = (it: It) => {
  it.effect("publishes traps of each version, typed and without the community", () =>
    Effect.gen(function* () {
      const { collector } = yield* Running
      const options = { port: collector.port("EDGE_SNMP_PORT"), trapPort: collector.port("EDGE_SNMP_PORT") }
      const second = client.createSession("127.0.0.1", COMMUNITY, { ...options, version: 1 })
      const counter = Buffer.from("ffffffffffffffff", "hex")
      const varbinds = [named("two"), { oid: "1.3.6.1.4.1.9.2", type: Counter64, value: counter }]
      second.trap(
        "1.3.6.1.6.3.1.1.5.3",
        [...varbinds, named(Buffer.from([0, 255])), { ...named(""), type: Integer, value: -5 }],
        () => undefined
      )
      const record = yield* awaitRecord("two")
      assert.strictEqual(record.version, "V2C")
      assert.notInclude(JSON.stringify(record), "community")
      assert.deepStrictEqual(record.varbinds.slice(1), [
        { oid: "1.3.6.1.6.3.1.1.4.1.0", type: "OID", value: "1.3.6.1.6.3.1.1.5.3" },
        { oid: "1.3.6.1.4.1.9.1", type: "OctetString", value: "two" },
        { oid: "1.3.6.1.4.1.9.2", type: "Counter64", value: "18446744073709551615" },
        { oid: "1.3.6.1.4.1.9.1", type: "OctetString", value: "00ff", encoding: "hex" },
        { oid: "1.3.6.1.4.1.9.1", type: "Integer", value: -5 }
      ])
      const first = client.createSession("127.0.0.1", COMMUNITY, { ...options, version: 0 })
      first.trap(2, [named("one")], "10.1.2.3", () => undefined)
      const old = yield* awaitRecord("one")
      assert.deepInclude(old, { version: "V1", agent_addr: "10.1.2.3" })
      assert.strictEqual(old.varbinds[1]?.value, "1.3.6.1.6.3.1.1.5.3")
      const v3 = client.createV3Session(
        "127.0.0.1",
        { ...SNMP_USER, level: 3, authProtocol: client.AuthProtocols.sha, privProtocol: client.PrivProtocols.aes },
        options
      )
      v3.trap("1.3.6.1.6.3.1.1.5.3", [named("three")], () => undefined)
      assert.deepInclude(yield* awaitRecord("three"), { version: "V3", user: "ops" })
      const answer = yield* Effect.callback<unknown>((resume) => {
        second.inform("1.3.6.1.6.3.1.1.5.3", [named("informed")], (error: unknown) => resume(Effect.succeed(error)))
      })
      assert.isNull(answer)
      yield* awaitRecord("informed")
      for (const session of [first, second, v3]) session.close()
    })
  )

  it.effect("drops with a count what is no trap, or of an unknown community or user, and nothing is harmed", () =>
    Effect.gen(function* () {
      const { collector } = yield* Running
      const port = collector.port("EDGE_SNMP_PORT")
      const garbage = Array.from({ length: 300 }, (_, at) =>
        Buffer.concat([Buffer.from("30", "hex"), randomBytes(at % 90)])
      )
      yield* sendDatagrams(port, garbage)
      const stranger = client.createSession("127.0.0.1", "guessed", { port, trapPort: port, version: 1 })
      stranger.trap("1.3.6.1.6.3.1.1.5.3", [named("stranger")], () => undefined)
      const invalid = 'bulkhead_edge_dropped_total{source="snmp",reason="invalid"}'
      yield* waitUntil(
        "all are counted",
        Effect.map(collector.metric(invalid), (count) => count >= 301)
      )
      const good = client.createSession("127.0.0.1", COMMUNITY, { port, trapPort: port, version: 1 })
      good.trap("1.3.6.1.6.3.1.1.5.3", [named("after garbage")], () => undefined)
      yield* awaitRecord("after garbage")
      assert.notInclude(JSON.stringify(yield* records), "stranger")
      for (const session of [stranger, good]) session.close()
    })
  )
}
