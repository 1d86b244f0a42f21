import { assert, describe, layer } from "@effect/vitest"
import type { NatsConnection } from "@nats-io/transport-node"
import { Context, Effect, Layer, Scope } from "effect"
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

/** Somebody who should not be there listens, and goes on: what the judge says is looked at by the subjects' beginning. */
const openEar = (
  beginning: string,
  inside: (world: World) => Effect.Effect<NatsConnection, unknown>,
  subject = `${beginning}>`
): readonly [Attack, RegExp] => [
  attack(`an ear at ${subject}`, async ({ world }) => {
    const connection = await Effect.runPromise(inside(world))
    connection.subscribe(subject, {
      callback: (_, message) => void world.heard.push(`${message.subject} ${message.string()}`)
    })
    await connection.flush()
  }),
  new RegExp(`an attacker heard ${beginning.replaceAll(/[.$]/g, "\\$&")}`)
]

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
  ...[
    "acme.events.",
    "bulkhead.signer.",
    "serviceradar.tenants.",
    "_INBOX_core.",
    "$JS.ACK.",
    "$JS.EVENT.",
    "$KV."
  ].map((subject) => openEar(subject, ({ installation }) => Effect.succeed(installation.platform))),
  openEar("$SYS.ACCOUNT.secret", ({ installation }) => Effect.succeed(installation.system), "$SYS.ACCOUNT.*"),
  // In the victim's own account its collectors may listen to inboxes: what an open wall would show.
  openEar("_INBOX.victim.", ({ victim, scope }) => Scope.provide(victim.connectAs("collector"), scope)),
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
