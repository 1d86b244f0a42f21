import { spawnSync } from "node:child_process"
import { existsSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { temporaryFolder } from "@bulkhead/accounts/testing"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { lockFolder } from "../src/FolderLock.ts"

describe("lockFolder", () => {
  it.effect("keeps the folder for one, names it to the other, and lets go with the scope", () =>
    Effect.gen(function* () {
      const folder = join(yield* temporaryFolder, "new")
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* lockFolder(folder)
          const { message } = yield* Effect.flip(lockFolder(folder))
          assert.include(message, `EDGE_BUFFER_FOLDER="${folder}" is in use by process ${process.pid}. Stop that one`)
        })
      )
      assert.isFalse(existsSync(join(folder, "lock")))
      yield* lockFolder(folder)
    })
  )

  const gone = spawnSync("true").pid
  it.effect.each([
    ["of a process that is gone", JSON.stringify({ pid: gone, birth: "" })],
    ["of a number that another process has by now", JSON.stringify({ pid: process.ppid, birth: "earlier" })],
    ["that is no lock", "{"]
  ] as const)("takes over a lock %s", ([, content]) =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      writeFileSync(join(folder, "lock"), content)
      yield* lockFolder(folder)
      const { pid } = yield* Effect.flip(lockFolder(folder))
      assert.strictEqual(pid, process.pid)
    })
  )
})
