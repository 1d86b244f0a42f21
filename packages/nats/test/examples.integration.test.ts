import { startNatsServer } from "@bulkhead/devstack"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { publishAndRead } from "../examples/publish-and-read.ts"
import { acme, publisherOf } from "./fixtures.ts"

describe("examples/publish-and-read", () => {
  it.live("reads what it has published", () =>
    Effect.gen(function* () {
      const server = yield* startNatsServer()
      const subjects = yield* publishAndRead(acme).pipe(Effect.scoped, Effect.provide(publisherOf(server)))
      assert.deepStrictEqual(subjects, ["acme.events.poller.health"])
    })
  )
})
