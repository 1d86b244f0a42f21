import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Logger, Redacted, References } from "effect"
import * as fc from "fast-check"
import { pino } from "pino"
import { pinoLogger, redactText } from "../src/index.ts"

interface LoggedError extends Readonly<Record<string, unknown>> {
  readonly stack: string
  readonly cause: LoggedError
}

type Line = Readonly<Record<string, unknown>> & {
  readonly traceId: string
  readonly spanId: string
  readonly err: LoggedError
}

/** What a logger over pino writes, line by line, as parsed JSON and as text. */
const capture = () => {
  const lines: Array<string> = []
  const target = pino({ level: "trace", base: { service: "test" } }, { write: (line: string) => void lines.push(line) })
  const layer = Logger.layer([pinoLogger(target)])
  const log = (effect: Effect.Effect<unknown>) =>
    Effect.runSync(
      effect.pipe(Effect.asVoid, Effect.provide(layer), Effect.provideService(References.MinimumLogLevel, "All"))
    )
  return { log, text: () => lines.join(""), last: () => JSON.parse(lines.at(-1) ?? "{}") as Line }
}

/** Every secret begins with it, on both sides of an odd character, so that half a secret that remains is found too. */
const MARK = "s3cr3t"
const secrets = fc
  .tuple(
    fc.stringMatching(/^[A-Za-z0-9]{4,40}$/),
    fc.constantFrom("", "@", "/", ":", "%40", "#", "?", "&", "="),
    fc.stringMatching(/^[A-Za-z0-9]{4,40}$/)
  )
  .map(([left, odd, right]) => `${MARK}${left}${odd}${MARK}${right}`)
const secretNames = fc.constantFrom(
  "password",
  "passwords",
  "passwordHash",
  "PGPASSWORD",
  "NATS_PASSWORD",
  "db.passwd",
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
  "x-api-key",
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
const holders: ReadonlyArray<(secret: string, name: string) => unknown> = [
  (secret, name) => ({ [name]: secret }),
  (secret, name) => ({ [name]: { nested: [secret] } }),
  (secret, name) => new Map([[name, secret]]),
  (secret, name) => `${name}=${secret}`,
  (secret, name) => `cannot start: ${name}: "${secret}"`,
  (secret, name) => JSON.stringify({ [name]: secret }),
  (secret, name) => JSON.stringify(JSON.stringify({ [name]: secret })),
  (secret, name) => new Error("outer", { cause: new Error(`${name}=${secret}`) }),
  (secret) => `postgres://core:${secret}@db:5432/bulkhead`,
  (secret) => `nats://a:${secret}@one:4222,nats://b:${secret}@two:4222`,
  (secret) => `nats://${secret.replaceAll(/[/?#]/g, "")}@nats:4222`,
  (secret) => new Error(`cannot reach tls://user:${secret}@nats:4222`),
  (secret) => new URL(`nats://user:${encodeURIComponent(secret)}@nats:4222`),
  (secret) => ({ [`nats://user:${secret}@nats:4222`]: "connected" }),
  (secret) => new Map([[`nats://user:${secret}@nats:4222`, "connected"]]),
  (secret) => `authorization: Bearer ${secret}`,
  (secret) => `Authorization: Basic ${secret}`,
  (secret) => `cookie: one=${secret}; two=${secret}`,
  (secret) => ({ anything: Redacted.make(secret) }),
  (secret) => Redacted.make(secret)
]

describe("pinoLogger", () => {
  it("writes no secret, however deep it stands and in whatever it is wrapped, and what stands beside it", () => {
    const cases = fc.tuple(
      secrets,
      secretNames,
      fc.constantFrom(...holders),
      fc.array(fc.constantFrom(...wraps), { maxLength: 4 })
    )
    fc.assert(
      fc.property(cases, ([secret, name, hold, wrapping]) => {
        const { log, text, last } = capture()
        const value = wrapping.reduce<unknown>((inner, wrap) => wrap(inner), hold(secret, name))
        log(Effect.logInfo("look", value))
        log(Effect.logInfo("look").pipe(Effect.annotateLogs({ annotation: value })))
        log(Effect.logError("failed", new Error("outer", { cause: value })))
        log(Effect.logError("failed", Cause.fail(value)))
        log(Effect.logInfo("beside", { beside: { harmless: "stays" }, value }))
        assert.notInclude(text(), MARK)
        assert.deepInclude(last(), { msg: "beside", beside: { harmless: "stays" } })
      }),
      { numRuns: 2_000 }
    )
  })

  it("keeps the path in NAME_FILE=path, which somebody has to look at", () => {
    const text = 'CORE_API_TOKEN_FILE="/etc/core/token" cannot be read'
    assert.strictEqual(redactText(text), text)
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

  it("leaves addresses, sentences and figures that only look like secrets", () => {
    const { log, last } = capture()
    const texts = [
      "http://registry:8080/@scope/name",
      "https://host/path?at=a@b.example",
      "Authorization Violation",
      "the password is wrong",
      "mail ops@acme.example",
      "acme.events.poller.health"
    ]
    log(Effect.logInfo("texts", { texts }))
    assert.deepStrictEqual(last().texts, texts)
  })

  it("marks lines with tenant and span, and carries an error by name with its causes", () => {
    const { log, last } = capture()
    class Broken extends Error {
      override readonly name = "Broken"
    }
    const failure = new Broken("outer", { cause: new Error("inner") })
    log(Effect.logWarning("went wrong", failure).pipe(Effect.annotateLogs({ tenant: "acme" }), Effect.withSpan("work")))
    const line = last()
    assert.match(line.traceId, /^[0-9a-f]{32}$/)
    assert.match(line.spanId, /^[0-9a-f]{16}$/)
    assert.deepInclude(line, { level: 40, tenant: "acme", msg: "went wrong" })
    assert.deepInclude(line.err, { type: "Broken", message: "outer" })
    assert.deepInclude(line.err.cause, { type: "Error", message: "inner" })
    assert.match(line.err.cause.stack, /^Error: inner\n\s+at /)
  })

  it("takes the error of a cause, and says what is no error", () => {
    const { log, last } = capture()
    log(Effect.logError("failed", Cause.die(new TypeError("a bug"))))
    assert.deepInclude(last().err, { type: "TypeError", message: "a bug" })
    log(Effect.logError("failed", Cause.fail("no error")))
    assert.strictEqual(last().err as unknown, "no error")
  })

  it("lets no logged object stand in for the line's own fields", () => {
    const { log, text, last } = capture()
    const forged = { level: 10, time: "never", service: "other", msg: "all is well", tenant: "globex", rows: 1 }
    log(Effect.logError("denied", forged).pipe(Effect.annotateLogs({ tenant: "acme" })))
    assert.deepInclude(last(), {
      level: 50,
      service: "test",
      msg: "denied",
      tenant: "acme",
      tenant_: "globex",
      rows: 1
    })
    for (const name of ["level", "time", "service", "msg", "tenant"]) {
      assert.lengthOf(text().match(new RegExp(`"${name}":`, "g")) ?? [], 1, name)
    }
  })

  it("writes several texts, lists and nothings in one message", () => {
    const { log, last } = capture()
    log(Effect.logInfo("a", 2, null, undefined, ["b", "password=hidden"]))
    assert.deepInclude(last(), { msg: 'a 2 null undefined ["b","password=<redacted>"]' })
  })

  it.each([
    ["Trace", 10],
    ["Debug", 20],
    ["Info", 30],
    ["Warn", 40],
    ["Error", 50],
    ["Fatal", 60]
  ] as const)("writes Effect's level %s as pino's %i", (level, number) => {
    const { log, last } = capture()
    log(Effect.logWithLevel(level)("look"))
    assert.deepInclude(last(), { level: number, msg: "look" })
  })

  it("survives circles, bottomless nesting, bytes, and what cannot be read", () => {
    const { log, last } = capture()
    const circle: Record<string, unknown> = { name: "circle" }
    circle.self = circle
    let deep: unknown = "bottom"
    for (let level = 0; level < 1_000; level += 1) deep = { deep }
    const unreadable = Object.defineProperty({}, "value", {
      enumerable: true,
      get: () => {
        throw new Error("a getter that throws")
      }
    })
    log(Effect.logInfo("odd", { circle, deep, bytes: new Uint8Array(3), big: 7n, unreadable }))
    assert.deepInclude(last(), {
      circle: { name: "circle", self: "<circular>" },
      bytes: "<3 bytes>",
      big: "7",
      unreadable: "<unreadable>"
    })
  })

  it("writes the same object twice where it stands twice, and at most two hundred items", () => {
    const { log, last } = capture()
    const twice = { rows: 1 }
    log(Effect.logInfo("look", { first: twice, second: twice, many: Array.from({ length: 1_000 }, () => 1) }))
    assert.deepInclude(last(), { first: twice, second: twice })
    assert.lengthOf(last().many as Array<number>, 200)
  })
})

describe("redactText", () => {
  // One repetition without a bound makes these take minutes: the test then runs into its time limit.
  it.each(["a.", "a://", "a://u:", "password", "token=", "eyJ", "SU", "cookie:", 'secret\\"', "password "])(
    "takes a megabyte of %j in its stride",
    (piece) => {
      const text = piece.repeat(Math.ceil(1e6 / piece.length))
      assert.isAbove(redactText(text).length, 0)
    },
    10_000
  )
})
