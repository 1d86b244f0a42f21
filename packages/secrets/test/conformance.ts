/** What every driver promises, as one suite. */
import { assert, layer } from "@effect/vitest"
import { Effect, type Layer, Redacted } from "effect"
import * as fc from "fast-check"
import { SECRET_BYTES_MAX, type SecretName, SecretStore } from "../src/index.ts"

const text = (value: string) => Redacted.make(value)
const textOf = (value: Redacted.Redacted<string> | undefined) => value && Redacted.value(value)
const named = (owner: string, purpose = "keys"): SecretName => ({ owner, purpose })

const part = fc.string({ unit: fc.constantFrom(..."aAbB01_.-"), minLength: 1, maxLength: 6 })
/** Distinct names that differ in little: in case, in dots, in where the owner ends. */
const names = fc.uniqueArray(fc.record({ owner: part, purpose: part }), {
  minLength: 1,
  maxLength: 8,
  selector: ({ owner, purpose }) => `${owner}/${purpose}`
})

export const conformance = <E>(driver: string, store: Layer.Layer<SecretStore, E>) =>
  layer(store, { excludeTestServices: true })(driver, (it) => {
    it.effect("creates a secret once and keeps the first value", () =>
      Effect.gen(function* () {
        const secrets = yield* SecretStore
        const name = named("first-wins")
        assert.isUndefined(yield* secrets.read(name))
        assert.strictEqual(yield* secrets.create(name, text("one")), "created")
        assert.strictEqual(yield* secrets.create(name, text("two")), "exists")
        assert.strictEqual(textOf(yield* secrets.read(name)), "one")
      })
    )

    it.effect("lets one of many writers at a time be first, and gives everybody that one's value", () =>
      Effect.gen(function* () {
        const secrets = yield* SecretStore
        const name = named("race")
        const values = Array.from({ length: 12 }, (_, index) => `value-${index}`)
        const outcomes = yield* Effect.forEach(values, (value) => secrets.create(name, text(value)), {
          concurrency: "unbounded"
        })
        assert.deepStrictEqual(
          outcomes.filter((outcome) => outcome === "created"),
          ["created"]
        )
        assert.strictEqual(textOf(yield* secrets.read(name)), values[outcomes.indexOf("created")])
      })
    )

    it.effect("replaces an absent secret and an existing one", () =>
      Effect.gen(function* () {
        const secrets = yield* SecretStore
        const name = named("replaced")
        for (const value of ["one", "two"]) {
          yield* secrets.replace(name, text(value))
          assert.strictEqual(textOf(yield* secrets.read(name)), value)
        }
        assert.strictEqual(yield* secrets.create(name, text("three")), "exists")
      })
    )

    it.effect("gives one of the values when many replace it at a time", () =>
      Effect.gen(function* () {
        const secrets = yield* SecretStore
        const name = named("replace-race")
        const values = Array.from({ length: 8 }, (_, index) => `value-${index}`)
        yield* Effect.forEach(values, (value) => secrets.replace(name, text(value)), { concurrency: "unbounded" })
        assert.include(values, textOf(yield* secrets.read(name)))
      })
    )

    it.effect("removes a secret, and an absent one, so that it can be created anew", () =>
      Effect.gen(function* () {
        const secrets = yield* SecretStore
        const name = named("removed")
        yield* secrets.remove(name)
        yield* secrets.create(name, text("one"))
        yield* secrets.replace(name, text("two"))
        yield* secrets.remove(name)
        assert.isUndefined(yield* secrets.read(name))
        assert.deepStrictEqual(yield* secrets.list("removed"), [])
        assert.strictEqual(yield* secrets.create(name, text("three")), "created")
        assert.strictEqual(textOf(yield* secrets.read(name)), "three")
      })
    )

    it.effect("lists an owner's purposes in order, and nobody else's", () =>
      Effect.gen(function* () {
        const secrets = yield* SecretStore
        for (const purpose of ["b", "a.1", "B", "a-1"]) yield* secrets.create(named("lister", purpose), text("x"))
        yield* secrets.create(named("lister-2", "c"), text("x"))
        yield* secrets.create(named("lister.2", "d"), text("x"))
        assert.deepStrictEqual(yield* secrets.list("lister"), ["B", "a-1", "a.1", "b"])
        assert.deepStrictEqual(yield* secrets.list("nobody"), [])
      })
    )

    it.effect("keeps apart names that look alike", () =>
      Effect.gen(function* () {
        const secrets = yield* SecretStore
        const run = Effect.runPromiseWith(yield* Effect.context<never>())
        const keepsApart = Effect.fnUntraced(function* (all: ReadonlyArray<SecretName>) {
          for (const name of all) yield* secrets.replace(name, text(`${name.owner}/${name.purpose}`))
          for (const name of all) assert.strictEqual(textOf(yield* secrets.read(name)), `${name.owner}/${name.purpose}`)
          for (const { owner } of all) {
            const purposes = all.filter((name) => name.owner === owner).map((name) => name.purpose)
            assert.deepStrictEqual(yield* secrets.list(owner), purposes.sort())
          }
          for (const name of all) yield* secrets.remove(name)
        })
        yield* Effect.promise(() =>
          fc.assert(
            fc.asyncProperty(names, (all) => run(keepsApart(all))),
            { numRuns: 20 }
          )
        )
      })
    )

    it.effect("takes the longest names and names of dots", () =>
      Effect.gen(function* () {
        const secrets = yield* SecretStore
        const long = "Z".repeat(200)
        for (const name of [named(long, long), named(".", ".."), named("..", "."), named("a..b", "-_-")]) {
          assert.strictEqual(yield* secrets.create(name, text(name.purpose)), "created")
          assert.strictEqual(textOf(yield* secrets.read(name)), name.purpose)
          assert.deepStrictEqual(yield* secrets.list(name.owner), [name.purpose])
        }
      })
    )

    it.effect("gives back what it was given: nothing, lines, other scripts, the largest", () =>
      Effect.gen(function* () {
        const secrets = yield* SecretStore
        for (const value of ["", "a\nb\r\n\0\t", "ключ 鍵 🔑", '{"a":"\\"}', "x".repeat(SECRET_BYTES_MAX)]) {
          yield* secrets.replace(named("values"), text(value))
          assert.strictEqual(textOf(yield* secrets.read(named("values"))), value)
        }
      })
    )

    it.effect("refuses names and values that not every store takes, without showing the value", () =>
      Effect.gen(function* () {
        const secrets = yield* SecretStore
        for (const owner of ["", "a/b", "a b", "ä", "x".repeat(201), "a\n", "~"]) {
          const error = yield* Effect.flip(secrets.read(named(owner)))
          assert.strictEqual(error.reason._tag, "SecretInvalid")
          assert.include(error.message, "1 to 200 characters")
          assert.strictEqual((yield* Effect.flip(secrets.list(owner))).reason._tag, "SecretInvalid")
          assert.strictEqual((yield* Effect.flip(secrets.remove(named("a", owner)))).reason._tag, "SecretInvalid")
        }
        for (const value of ["hidden".repeat(SECRET_BYTES_MAX), "hidden\ud800"]) {
          const error = yield* Effect.flip(secrets.create(named("too-much"), text(value)))
          assert.strictEqual(error.reason._tag, "SecretInvalid")
          assert.notInclude(error.message, "hidden")
          assert.include((yield* Effect.flip(secrets.replace(named("too-much"), text(value)))).message, "too-much/keys")
        }
        assert.deepStrictEqual(yield* secrets.list("too-much"), [])
      })
    )
  })
