import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { credsFile, makeInstallation, NKey, signPlatformUser } from "@bulkhead/accounts"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { PLATFORM_USERS } from "../src/platformUsers.ts"
import { writeInstallation } from "../src/writeInstallation.ts"

const CREDS_DAYS = 30

const start = Effect.gen(function* () {
  const folder = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "bulkhead-installation-"))),
    (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
  )
  const keys = yield* Effect.promise(() => makeInstallation("test", NKey.make("operator")))
  const write = Effect.promise(() =>
    writeInstallation(keys, { folder, credsDays: CREDS_DAYS, resolverFolder: join(folder, "resolver") })
  )
  const file = join(folder, "core.creds")
  /** Puts credentials of core's in the place of the good ones. */
  const replace = (change: { readonly days?: number; readonly withoutLast?: boolean; readonly by?: typeof keys }) =>
    Effect.promise(async () => {
      const { permissions } = PLATFORM_USERS.core
      const allow = permissions.pub?.allow ?? []
      const pub = { allow: change.withoutLast === true ? allow.slice(0, -1) : allow }
      const key = NKey.make("user")
      const expiresAt = new Date(Date.now() + (change.days ?? CREDS_DAYS) * 86_400_000)
      const user = { name: "core", publicKey: key.publicKey, expiresAt }
      const claims = await signPlatformUser(user, { ...permissions, pub }, (change.by ?? keys).platform)
      writeFileSync(file, Redacted.value(credsFile(claims, key)))
    })
  return { keys, file, write, replace }
})

describe("writeInstallation", () => {
  it.live("makes every file once, and leaves what is good as it is", () =>
    Effect.gen(function* () {
      const { file, write, replace } = yield* start
      assert.sameMembers([...(yield* write)], Object.keys(PLATFORM_USERS))
      const before = readFileSync(file, "utf8")
      assert.deepEqual(yield* write, [])
      assert.strictEqual(readFileSync(file, "utf8"), before)
      yield* replace({})
      assert.deepEqual(yield* write, [])
    })
  )

  it.live(
    "makes anew what has other permissions than this release gives, too little time left, or another issuer",
    () =>
      Effect.gen(function* () {
        const { write, replace } = yield* start
        yield* write
        const by = yield* Effect.promise(() => makeInstallation("other", NKey.make("operator")))
        for (const change of [{ withoutLast: true }, { days: CREDS_DAYS / 4 }, { by }]) {
          yield* replace(change)
          assert.deepEqual(yield* write, ["core"], JSON.stringify(Object.keys(change)))
        }
      })
  )
})
