import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { PostgresServer, waitUntil } from "@bulkhead/devstack"
import { Database } from "@bulkhead/storage"
import { assert, layer } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer, Redacted } from "effect"
import { resealAll, SecretStore } from "../src/index.ts"
import { database, keysOf, newKey } from "./fixtures.ts"

const ROWS = 250

const storeWith = (keys: Redacted.Redacted<string>, schema: string) =>
  Effect.flatMap(Layer.build(SecretStore.layerPostgres({ keys, schema })), (context) =>
    Effect.provideContext(SecretStore, context)
  )

const nameOf = (index: number) => ({ owner: `tenant-${index % 25}`, purpose: `key-${index}` })
const indexes = Array.from({ length: ROWS }, (_, index) => index)

/** A schema whose every secret lies under `old`; its value is its number. */
const filled = Effect.fnUntraced(function* (schema: string, old: string) {
  const secrets = yield* storeWith(keysOf(old), schema)
  yield* Effect.forEach(indexes, (index) => secrets.create(nameOf(index), Redacted.make(`${index}`)), {
    concurrency: 4
  })
  return secrets
})

/** All values, in the order of the indexes. */
const valuesUnder = Effect.fnUntraced(function* (keys: Redacted.Redacted<string>, schema: string) {
  const secrets = yield* storeWith(keys, schema)
  const values = yield* Effect.forEach(indexes, (index) => secrets.read(nameOf(index)), { concurrency: 4 })
  return values.map((value) => value && Redacted.value(value))
})

const rowsUnder = (schema: string, keyId: string) =>
  Effect.gen(function* () {
    const { sql } = yield* Database
    const [row] = yield* sql<{ rows: number }>`
      select count(*)::int as rows from ${sql(schema)}.sealed_secrets where key_id = ${keyId}`
    return row?.rows ?? 0
  })

/** The command, as an operator runs it. */
const rotate = (variables: Readonly<Record<string, string>>) =>
  Effect.callback<{ readonly code: number; readonly output: string }>((resume) => {
    const file = fileURLToPath(new URL("../src/rotate.ts", import.meta.url))
    const env = { PATH: process.env.PATH ?? "", ...variables }
    execFile(process.execPath, ["--conditions=@bulkhead/source", file], { env }, (error, stdout, stderr) =>
      resume(Effect.succeed({ code: error === null ? 0 : Number(error.code), output: stdout + stderr }))
    )
  })

layer(database, { excludeTestServices: true })("resealAll", (it) => {
  it.effect("brings every secret under the first key, after which the old key may go", () =>
    Effect.gen(function* () {
      const [old, next] = [newKey("old"), newKey("next")]
      yield* filled("all", old)
      const report = yield* resealAll({ keys: keysOf(next, old, newKey("spare")), schema: "all", batchRowsMax: 40 })
      assert.deepStrictEqual(report, {
        firstKeyId: "next",
        resealed: ROWS,
        left: 0,
        removableKeyIds: ["old", "spare"],
        unreadable: []
      })
      assert.deepStrictEqual(yield* valuesUnder(keysOf(next), "all"), indexes.map(String))
      const again = yield* resealAll({ keys: keysOf(next), schema: "all" })
      assert.strictEqual(again.resealed, 0)
    })
  )

  it.effect("loses no write and fails no read that comes while it works", () =>
    Effect.gen(function* () {
      const [old, next] = [newKey("old"), newKey("next")]
      yield* filled("busy", old)
      const keys = keysOf(next, old)
      const secrets = yield* storeWith(keys, "busy")
      const written = new Map<number, string>()
      let [reads, writes] = [0, 0]
      const writer = Effect.gen(function* () {
        const index = Math.floor(Math.random() * ROWS)
        const value = `${index}-${writes}`
        yield* secrets.replace(nameOf(index), Redacted.make(value))
        written.set(index, value)
        writes += 1
      }).pipe(Effect.forever)
      const reader = Effect.gen(function* () {
        const value = yield* secrets.read(nameOf(reads % ROWS))
        assert.match(value === undefined ? "absent" : Redacted.value(value), new RegExp(`^${reads % ROWS}(-|$)`))
        reads += 1
      }).pipe(Effect.forever)
      const writing = yield* Effect.forkChild(writer, { startImmediately: true })
      const reading = yield* Effect.forkChild(reader, { startImmediately: true })
      yield* waitUntil(
        "readers and writers at work",
        Effect.sync(() => reads > 10 && writes > 5)
      )
      const report = yield* resealAll({ keys, schema: "busy", batchRowsMax: 10 })
      assert.strictEqual(report.left, 0)
      const [readsThen, writesThen] = [reads, writes]
      yield* waitUntil(
        "both still at work",
        Effect.sync(() => reads > readsThen && writes > writesThen)
      )
      for (const fiber of [writing, reading]) {
        assert.isUndefined(fiber.pollUnsafe(), "nobody has failed")
        yield* Fiber.interrupt(fiber)
      }
      const values = yield* valuesUnder(keysOf(next), "busy")
      let kept = 0
      for (const [index, value] of written) if (values[index] === value) kept += 1
      // The last write may have been interrupted between its commit and its note.
      assert.isAtLeast(kept, written.size - 1)
    })
  )

  it.effect("goes on where it was stopped", () =>
    Effect.gen(function* () {
      const [old, next] = [newKey("old"), newKey("next")]
      yield* filled("stopped", old)
      const options = { keys: keysOf(next, old), schema: "stopped", batchRowsMax: 10 }
      const running = yield* Effect.forkChild(resealAll(options), { startImmediately: true })
      yield* waitUntil(
        "some of it",
        Effect.map(rowsUnder("stopped", "next"), (rows) => rows > 0)
      )
      yield* Fiber.interrupt(running)
      const done = yield* rowsUnder("stopped", "next")
      assert.isBelow(done, ROWS)
      assert.deepStrictEqual(yield* valuesUnder(keysOf(next, old), "stopped"), indexes.map(String))
      const report = yield* resealAll(options)
      assert.strictEqual(report.resealed, ROWS - done)
      assert.strictEqual(report.left, 0)
      assert.deepStrictEqual(yield* valuesUnder(keysOf(next), "stopped"), indexes.map(String))
    })
  )

  it.effect("may run several times at once", () =>
    Effect.gen(function* () {
      const [old, next] = [newKey("old"), newKey("next")]
      yield* filled("twice", old)
      const options = { keys: keysOf(next, old), schema: "twice", batchRowsMax: 7 }
      const reports = yield* Effect.all([resealAll(options), resealAll(options), resealAll(options)], {
        concurrency: "unbounded"
      })
      const resealed = reports.reduce((sum, report) => sum + report.resealed, 0)
      assert.strictEqual(resealed, ROWS)
      assert.deepStrictEqual(yield* valuesUnder(keysOf(next), "twice"), indexes.map(String))
    })
  )

  it.effect("leaves a secret alone that was replaced after it was read", () =>
    Effect.gen(function* () {
      const [old, next] = [newKey("old"), newKey("next")]
      yield* filled("raced", old)
      const keys = keysOf(next, old)
      const secrets = yield* storeWith(keys, "raced")
      const { sql } = yield* Database
      const locked = yield* Deferred.make<void>()
      const rotationWaits = Effect.map(sql`select from pg_locks where not granted`, (rows) => rows.length > 0)
      const replacing = yield* Effect.forkChild(
        sql.withTransaction(
          Effect.gen(function* () {
            yield* sql`select from raced.sealed_secrets where purpose = 'key-0' for update`
            yield* Deferred.succeed(locked, undefined)
            yield* waitUntil("the rotation waits for the row that it has read", rotationWaits)
            yield* secrets.replace(nameOf(0), Redacted.make("new"))
          })
        ),
        { startImmediately: true }
      )
      yield* Deferred.await(locked)
      const report = yield* resealAll({ keys, schema: "raced" })
      yield* Fiber.join(replacing)
      assert.strictEqual(report.resealed, ROWS - 1)
      assert.strictEqual(report.left, 0)
      assert.deepStrictEqual(yield* valuesUnder(keysOf(next), "raced"), ["new", ...indexes.slice(1).map(String)])
    })
  )

  it.effect("leaves what does not open as it is, names it, and keeps its key", () =>
    Effect.gen(function* () {
      const [old, lost, next] = [newKey("old"), newKey("lost"), newKey("next")]
      yield* filled("partly", old)
      yield* (yield* storeWith(keysOf(lost), "partly")).create({ owner: "acme", purpose: "x" }, Redacted.make("hidden"))
      const report = yield* resealAll({ keys: keysOf(next, old), schema: "partly" })
      assert.strictEqual(report.resealed, ROWS)
      assert.strictEqual(report.left, 1)
      assert.deepStrictEqual(report.removableKeyIds, ["old"])
      assert.lengthOf(report.unreadable, 1)
      assert.include(report.unreadable[0]?.message, '"acme/x" was sealed with key "lost"')
      const wrong = yield* resealAll({ keys: keysOf(next, newKey("lost")), schema: "partly" })
      assert.deepStrictEqual(wrong.removableKeyIds, [])
      assert.include(wrong.unreadable[0]?.message, '"acme/x" does not open with key "lost"')
      const healed = yield* resealAll({ keys: keysOf(next, lost), schema: "partly" })
      assert.deepStrictEqual([healed.left, healed.removableKeyIds], [0, ["lost"]])
    })
  )
})

layer(database, { excludeTestServices: true })("the command", (it) => {
  it.effect("says how many it resealed and which keys may go, and ends with 1 while some are left", () =>
    Effect.gen(function* () {
      const [old, next] = [newKey("old"), newKey("next")]
      yield* filled("bulkhead_signer", old)
      const DATABASE_URL = Redacted.value((yield* PostgresServer).url("secrets"))
      const left = yield* rotate({ DATABASE_URL, SECRETS_KEYS: next })
      assert.strictEqual(left.code, 1)
      assert.include(left.output, `resealed under "next": 0, left under other keys: ${ROWS}`)
      assert.include(left.output, 'was sealed with key "old", which is not among the keys next')
      const done = yield* rotate({ DATABASE_URL, SECRETS_KEYS: `${next},${old}` })
      assert.strictEqual(done.code, 0)
      assert.include(done.output, `resealed under "next": ${ROWS}, left under other keys: 0`)
      assert.include(done.output, "keys that may be removed from SECRETS_KEYS: old")
    })
  )

  it.effect("names the setting that is missing", () =>
    Effect.gen(function* () {
      const DATABASE_URL = Redacted.value((yield* PostgresServer).url("secrets"))
      const { code, output } = yield* rotate({ DATABASE_URL })
      assert.strictEqual(code, 1)
      assert.include(output, "Neither SECRETS_KEYS nor SECRETS_KEYS_FILE is set")
    })
  )
})
