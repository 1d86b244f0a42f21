import { assert, describe, layer } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { it } from "vitest"
import { type Attack, attack } from "../src/Attack.ts"
import { judge } from "../src/judge.ts"
import { openImport } from "../src/table/accounts.ts"
import { attacks } from "../src/table/index.ts"
import { startWorld, type World } from "../src/World.ts"

class TheWorld extends Context.Service<TheWorld, World>()("TheWorld") {
  static readonly layer = Layer.effect(TheWorld, startWorld())
}

describe("the table", () => {
  it("has 60 attacks or more, each with a name of its own", () => {
    const names = attacks.map(({ name }) => name)
    assert.isAtLeast(names.length, 60)
    assert.lengthOf(new Set(names), names.length)
  })
})

layer(TheWorld.layer, { excludeTestServices: true, timeout: 60_000 })("attacks", (it) => {
  for (const one of attacks) {
    for (const way of one.ways) {
      it.effect(`${way}: ${one.name}`, () =>
        Effect.gen(function* () {
          assert.deepStrictEqual(yield* judge(yield* TheWorld, one, way), [])
        })
      )
    }
  }
})

/** What gets through when a wall is open: the judge must see each. */
const open: ReadonlyArray<readonly [Attack, RegExp]> = [
  [attack("an answer", async ({ ask }) => ask("events.x")), /events\.x answered/],
  [
    attack("a message in the victim's name", async ({ world }) => {
      world.installation.platform.publish("acme.events.forged", "{}")
      await world.installation.platform.flush()
    }),
    /acme\.events\.forged reached the platform/
  ],
  [
    attack("an ear at the victim's subjects", async ({ world }) => {
      world.installation.platform.subscribe("acme.>", {
        callback: (_, message) => void world.heard.push(`${message.subject} ${message.string()}`)
      })
      await world.installation.platform.flush()
    }),
    /an attacker heard acme\.events\./
  ],
  [
    attack("the victim's message id used before it", async ({ world, victimsNextId }) => {
      const headers = (await import("@nats-io/transport-node")).headers()
      headers.set("Nats-Msg-Id", victimsNextId)
      await world.installation.platform.request("acme.events.x", "{}", { headers, timeout: 1_000 })
    }),
    /"duplicate":true/
  ],
  [openImport, /the import answered/]
]

layer(TheWorld.layer, { excludeTestServices: true, timeout: 60_000 })("the judge", (it) => {
  for (const [one, evidence] of open) {
    it.effect(`sees ${one.name}`, () =>
      Effect.gen(function* () {
        const found = yield* judge(yield* TheWorld, one, "direct")
        assert.isTrue(
          found.some((line) => evidence.test(line)),
          found.join("\n")
        )
      })
    )
  }
})
