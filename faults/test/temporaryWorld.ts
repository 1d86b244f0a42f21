import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { removePostgresFolder } from "@bulkhead/devstack"
import { Context, Effect, Layer } from "effect"
import { startWorld, type World } from "../src/World.ts"

/** Short faults and a rate that two cores share with other tests. */
const OPTIONS = { eventsPerSecond: 600, longestMs: 1_200 }

/** A world in a temporary folder, for the tests of one file. */
export class TheWorld extends Context.Service<TheWorld, World>()("TheWorld") {
  static readonly layer = Layer.effect(
    TheWorld,
    Effect.gen(function* () {
      const folder = yield* Effect.acquireRelease(
        Effect.sync(() => mkdtempSync(join(tmpdir(), "bulkhead-faults-"))),
        (path) =>
          Effect.sync(() => {
            removePostgresFolder(join(path, "postgres"))
            rmSync(path, { recursive: true, force: true })
          })
      )
      return yield* startWorld({ ...OPTIONS, folder })
    })
  )
}
