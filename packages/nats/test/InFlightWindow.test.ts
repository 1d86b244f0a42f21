import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber } from "effect"
import fc from "fast-check"
import { InFlightWindow } from "../src/internal/InFlightWindow.ts"

/** Something in the window that stays until it is told to go. */
const guest = (window: InFlightWindow, name: string, bytes: number, inside: Array<string>) =>
  Effect.gen(function* () {
    const go = yield* Deferred.make<void>()
    const stay = Effect.andThen(
      Effect.sync(() => inside.push(name)),
      Deferred.await(go)
    )
    const fiber = yield* Effect.forkChild(window.within(bytes, stay), { startImmediately: true })
    return { fiber, leave: Effect.andThen(Deferred.succeed(go, undefined), Fiber.join(fiber)) }
  })

describe("InFlightWindow", () => {
  it.effect("bounds messages, and lets them in as they came", () =>
    Effect.gen(function* () {
      const window = new InFlightWindow({ messagesMax: 2, bytesMax: 100 })
      const inside: Array<string> = []
      const a = yield* guest(window, "a", 1, inside)
      yield* guest(window, "b", 1, inside)
      const c = yield* guest(window, "c", 1, inside)
      yield* guest(window, "d", 1, inside)
      assert.deepStrictEqual(inside, ["a", "b"])
      yield* a.leave
      assert.deepStrictEqual(inside, ["a", "b", "c"])
      yield* c.leave
      assert.deepStrictEqual(inside, ["a", "b", "c", "d"])
    })
  )

  it.effect("bounds bytes, and small ones do not overtake a large one that waits", () =>
    Effect.gen(function* () {
      const window = new InFlightWindow({ messagesMax: 10, bytesMax: 100 })
      const inside: Array<string> = []
      const a = yield* guest(window, "a", 60, inside)
      yield* guest(window, "large", 70, inside)
      yield* guest(window, "small", 1, inside)
      assert.deepStrictEqual(inside, ["a"])
      yield* a.leave
      assert.deepStrictEqual(inside, ["a", "large", "small"])
    })
  )

  it.effect("lets a message alone in that is larger than the window", () =>
    Effect.gen(function* () {
      const window = new InFlightWindow({ messagesMax: 10, bytesMax: 100 })
      const inside: Array<string> = []
      const a = yield* guest(window, "a", 1, inside)
      const giant = yield* guest(window, "giant", 1_000, inside)
      yield* guest(window, "b", 1, inside)
      yield* a.leave
      assert.deepStrictEqual(inside, ["a", "giant"])
      yield* giant.leave
      assert.deepStrictEqual(inside, ["a", "giant", "b"])
    })
  )

  it.effect("gives the room of an interrupted message to the next, whether it waited or was inside", () =>
    Effect.gen(function* () {
      const window = new InFlightWindow({ messagesMax: 1, bytesMax: 100 })
      const inside: Array<string> = []
      const a = yield* guest(window, "a", 1, inside)
      const b = yield* guest(window, "b", 1, inside)
      yield* guest(window, "c", 1, inside)
      yield* Fiber.interrupt(b.fiber)
      yield* Fiber.interrupt(a.fiber)
      assert.deepStrictEqual(inside, ["a", "c"])
    })
  )

  it.effect("lets thousands in that leave at once", () =>
    Effect.gen(function* () {
      const window = new InFlightWindow({ messagesMax: 1, bytesMax: 100 })
      const inside: Array<string> = []
      const first = yield* guest(window, "first", 1, inside)
      const rest = yield* Effect.forkChild(
        Effect.forEach(Array.from({ length: 20_000 }), () => window.within(1, Effect.exit(Effect.fail("no"))), {
          concurrency: "unbounded"
        }),
        { startImmediately: true }
      )
      yield* first.leave
      assert.isTrue((yield* Fiber.join(rest)).every(Exit.isFailure))
    })
  )

  it.effect("never exceeds its limits and leaves nobody behind, whatever comes and is interrupted", () =>
    Effect.promise(() =>
      fc.assert(
        fc.asyncProperty(
          fc.array(fc.record({ bytes: fc.integer({ min: 1, max: 15 }), fate: fc.constantFrom("end", "fail", "cut") }), {
            maxLength: 40
          }),
          async (messages) => {
            const limits = { messagesMax: 3, bytesMax: 10 }
            const window = new InFlightWindow(limits)
            let count = 0
            let bytes = 0
            const stay = (size: number, fate: string) =>
              Effect.suspend(() => {
                count += 1
                bytes += size
                assert.isTrue(count === 1 || (count <= limits.messagesMax && bytes <= limits.bytesMax))
                return Effect.andThen(Effect.yieldNow, fate === "fail" ? Effect.fail("failed") : Effect.void)
              }).pipe(
                Effect.ensuring(
                  Effect.sync(() => {
                    count -= 1
                    bytes -= size
                  })
                )
              )
            const one = ({ bytes, fate }: { readonly bytes: number; readonly fate: string }) => {
              const visit = Effect.exit(window.within(bytes, stay(bytes, fate)))
              return fate === "cut"
                ? Effect.flatMap(Effect.forkChild(visit), (fiber) =>
                    Effect.andThen(Effect.yieldNow, Fiber.interrupt(fiber))
                  )
                : visit
            }
            const all = Effect.forEach(messages, one, { concurrency: "unbounded", discard: true })
            await Effect.runPromise(Effect.andThen(all, window.within(limits.bytesMax, Effect.void)))
            assert.deepStrictEqual([count, bytes], [0, 0])
          }
        )
      )
    )
  )
})
