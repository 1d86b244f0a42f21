import { waitUntil } from "@bulkhead/devstack"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { kill, ocsfEvent, startShared } from "./harness.ts"

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index)
const TENANTS = ["acme", "globex", "initech", "umbrella"] as const
/** Between two events of one source; the load lasts as long as the kills do. */
const PAUSE = "2 millis"
const POISON_EVERY = 50

/** Where a writer's messages come from: each tenant's prefix, and none, which is `default`'s. */
const SOURCES = [...TENANTS.map((tenant) => [tenant, `${tenant}.`] as const), ["default", ""] as const]

const isPoison = (number: number) => number % POISON_EVERY === 7

const NO_FAULTS = { foreign: [], doubled: [], lost: [], isInOrder: true }

/** What is wrong with what is stored, short enough to read. */
const faultsOf = (
  tenant: string,
  valid: ReadonlyArray<number>,
  rows: ReadonlyArray<{ readonly owner: string; readonly number: number }>
) => {
  const stored = rows.map(({ number }) => number)
  const known = new Set(stored)
  return {
    foreign: rows.filter(({ owner }) => owner !== tenant),
    doubled: stored.filter((number, index) => stored.indexOf(number) !== index),
    lost: valid.filter((number) => !known.has(number)),
    isInOrder: stored.every((number, index) => index === 0 || number >= (stored[index - 1] ?? 0))
  }
}

describe("core's writers and db-event-writer at once, killed in turn under load", () => {
  it.live(
    "write each event once and in order, and each poison once as a dead letter",
    () =>
      Effect.gen(function* () {
        const both = { CORE_EVENT_WRITER: "on", NATS_TENANT_PREFIX_MODE: "both", CORE_BATCH_ROWS_MAX: "40" }
        const shared = yield* startShared(both)
        yield* shared.createTenants(TENANTS)
        let isOver = false
        const publishing = yield* Effect.forEach(
          SOURCES,
          Effect.fnUntraced(function* ([tenant, prefix]) {
            let number = 0
            for (; !isOver; number += 1) {
              yield* shared.publish(
                `${prefix}events.x`,
                isPoison(number) ? `poison ${number}` : ocsfEvent(tenant, number)
              )
              yield* Effect.sleep(PAUSE)
            }
            return { tenant, published: numbers(number) }
          }),
          { concurrency: "unbounded" }
        ).pipe(Effect.forkScoped)
        // Small batches, so that the two meet often.
        const startWriter = shared.startWriter({ DB_EVENT_WRITER_BATCH_ROWS_MAX: "100" })
        const storedSoFar = Effect.map(shared.stored("acme"), (rows) => rows.length)
        const awaitMore = Effect.flatMap(storedSoFar, (before) =>
          waitUntil(
            "more is written",
            Effect.map(storedSoFar, (now) => now > before + 20)
          )
        )
        const cores = [shared.core]
        let writer = yield* startWriter
        const writers = [writer]
        for (let round = 0; round < 2; round += 1) {
          yield* awaitMore
          yield* kill(writer)
          yield* awaitMore
          writer = yield* startWriter
          writers.push(writer)
          yield* kill(cores.at(-1) ?? shared.core)
          yield* awaitMore
          cores.push(yield* shared.startCore())
        }
        // Whichever comes second is told so.
        yield* waitUntil(
          "the two have met",
          Effect.sync(() => [...cores, ...writers].some(({ output }) => output().includes("another writer has it"))),
          "60 seconds"
        )
        isOver = true
        for (const { tenant, published } of yield* Fiber.join(publishing)) {
          const valid = published.filter((number) => !isPoison(number))
          yield* shared.awaitStored(tenant, valid.length)
          assert.deepStrictEqual(faultsOf(tenant, valid, yield* shared.stored(tenant)), NO_FAULTS)
          const poison = published.filter(isPoison).map((number) => `poison ${number}`)
          const letters = shared.query<{ text: string }>(
            `select convert_from(payload, 'UTF8') as text from tenant_${tenant}.dead_letters order by sequence`
          )
          yield* waitUntil(
            `the dead letters of ${tenant}`,
            Effect.map(letters, (found) => found.length >= poison.length)
          )
          assert.deepStrictEqual(
            (yield* letters).map(({ text }) => text),
            poison
          )
        }
      }),
    300_000
  )
})
