import { assert, describe, it } from "@effect/vitest"
import { Effect, Logger, Redacted, References } from "effect"
import * as fc from "fast-check"
import { pino } from "pino"
import { pinoLogger } from "../src/index.ts"

/** What a logger over pino writes, line by line, as parsed JSON and as text. */
const capture = () => {
  const lines: Array<string> = []
  const target = pino({ level: "trace", base: { service: "test" } }, { write: (line: string) => void lines.push(line) })
  const layer = Logger.layer([pinoLogger(target)])
  const log = (effect: Effect.Effect<unknown>) =>
    Effect.runSync(
      effect.pipe(Effect.asVoid, Effect.provide(layer), Effect.provideService(References.MinimumLogLevel, "All"))
    )
  return { log, text: () => lines.join(""), last: () => JSON.parse(lines.at(-1) ?? "{}") as Record<string, unknown> }
}

const secrets = fc.stringMatching(/^[A-Za-z0-9]{16,40}$/).map((text) => `s3cr3t${text}`)
const secretNames = fc.constantFrom(
  "password",
  "PGPASSWORD",
  "apiToken",
  "client_secret",
  "seed",
  "nkeySeed",
  "authorization",
  "Authorization",
  "credsFile",
  "credentials",
  "cookie",
  "privateKey",
  "api_key",
  "userJwt"
)

type Wrap = (inner: unknown) => unknown
const wraps: ReadonlyArray<Wrap> = [
  (inner) => ({ deeper: inner }),
  (inner) => [1, inner],
  (inner) => new Map([["entry", inner]]),
  (inner) => new Set([inner]),
  (inner) => new Error("outer", { cause: inner })
]
const holders = (secret: string, name: string): ReadonlyArray<unknown> => [
  { [name]: secret },
  { [name]: { nested: secret } },
  new Map([[name, secret]]),
  `postgres://core:${secret}@db:5432/bulkhead`,
  `nats://${secret}@nats:4222`,
  new Error(`cannot reach tls://user:${secret}@nats:4222`),
  new Error("outer", { cause: new Error(`${name.includes("assword") ? name : "password"}=${secret}`) }),
  `token: ${secret}`,
  `authorization: Bearer ${secret}`,
  { anything: Redacted.make(secret) },
  Redacted.make(secret)
]

describe("pinoLogger", () => {
  it("writes no secret, however deep it stands and in whatever it is wrapped", () => {
    const cases = fc.tuple(secrets, secretNames, fc.nat(10), fc.array(fc.constantFrom(...wraps), { maxLength: 4 }))
    fc.assert(
      fc.property(cases, ([secret, name, which, wrapping]) => {
        const { log, text } = capture()
        const value = wrapping.reduce<unknown>((inner, wrap) => wrap(inner), holders(secret, name)[which])
        log(Effect.logInfo("look", value))
        log(Effect.logInfo("look").pipe(Effect.annotateLogs({ annotation: value })))
        log(Effect.logError("failed", new Error("outer", { cause: value })))
        assert.notInclude(text(), secret)
      }),
      { numRuns: 500 }
    )
  })

  it("keeps what is no secret", () => {
    const { log, last } = capture()
    log(
      Effect.logInfo("stored", { rows: 3, table: "ocsf_events", url: "nats://nats:4222", nested: { list: [1, "two"] } })
    )
    assert.deepInclude(last(), {
      msg: "stored",
      rows: 3,
      table: "ocsf_events",
      url: "nats://nats:4222",
      nested: { list: [1, "two"] },
      service: "test",
      level: 30
    })
  })

  it("removes nkey seeds and JWTs wherever they stand", () => {
    const { log, text } = capture()
    const seed = `SU${"A".repeat(56)}`
    const jwt = `eyJ${"a".repeat(20)}.${"b".repeat(20)}.${"c".repeat(20)}`
    log(Effect.logInfo(`seed ${seed} and ${jwt} in a sentence`))
    assert.notInclude(text(), seed)
    assert.notInclude(text(), jwt)
    assert.include(text(), "in a sentence")
  })

  it("marks lines with tenant and span, and carries an error with its causes", () => {
    const { log, last } = capture()
    const failure = new Error("outer", { cause: new Error("inner") })
    log(Effect.logWarning("went wrong", failure).pipe(Effect.annotateLogs({ tenant: "acme" }), Effect.withSpan("work")))
    const line = last() as { tenant: string; traceId: string; spanId: string; err: { message: string; stack: string } }
    assert.strictEqual(line.tenant, "acme")
    assert.match(line.traceId, /^[0-9a-f]{32}$/)
    assert.match(line.spanId, /^[0-9a-f]{16}$/)
    assert.strictEqual(line.err.message, "outer: inner")
    assert.match(line.err.stack, /Error: outer[\s\S]*caused by: Error: inner/)
  })

  it("survives circles, bottomless nesting and bytes", () => {
    const { log, last } = capture()
    const circle: Record<string, unknown> = { name: "circle" }
    circle.self = circle
    let deep: unknown = "bottom"
    for (let level = 0; level < 1_000; level += 1) deep = { deep }
    log(Effect.logInfo("odd", { circle, deep, bytes: new Uint8Array(3), big: 7n }))
    assert.deepInclude(last(), { circle: { name: "circle", self: "<circular>" }, bytes: "<3 bytes>", big: "7" })
  })
})
