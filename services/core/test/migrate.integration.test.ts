import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { startPostgresServer } from "@bulkhead/devstack"
import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"

const command = fileURLToPath(new URL("../src/migrate.ts", import.meta.url))

const run = (database: Redacted.Redacted<string>) =>
  Effect.callback<{ code: number; output: string }>((resume) => {
    const env = { PATH: process.env.PATH, DATABASE_URL: Redacted.value(database) }
    execFile(process.execPath, ["--conditions=@bulkhead/source", command], { env }, (error, stdout, stderr) =>
      resume(Effect.succeed({ code: Number(error?.code ?? 0), output: stdout + stderr }))
    )
  })

describe("migrate", () => {
  it.live("reports each tenant, goes on past one that fails, and can be repeated", () =>
    Effect.gen(function* () {
      const server = yield* startPostgresServer()
      const database = yield* server.createDatabase("core")
      const sql = (text: string) =>
        Effect.flatMap(PgClient.PgClient, (client) => client.unsafe(text)).pipe(
          Effect.provide(PgClient.layer({ url: database, maxConnections: 1 }))
        )
      const first = yield* run(database)
      assert.strictEqual(first.code, 0)
      assert.match(first.output, /control schema: 0 -> \d+\ndefault: 0 -> \d+\n/)
      yield* sql(
        "insert into bulkhead.tenants (slug, name, plan, status) values ('acme', 'A', 'free', 'active'), ('beta', 'B', 'free', 'active')"
      )
      // A schema of that name which is not ours to change.
      yield* sql("create role intruder")
      yield* sql("create schema tenant_acme authorization intruder")
      const second = yield* run(database)
      assert.strictEqual(second.code, 1)
      assert.match(second.output, /acme: failed: .*\nbeta: 0 -> \d+\n/)
      assert.match(second.output, /1 tenants could not be migrated/)
      yield* sql("drop schema tenant_acme")
      const third = yield* run(database)
      assert.strictEqual(third.code, 0)
      assert.match(third.output, /acme: 0 -> (\d+)\nbeta: \1 -> \1\n/)
    })
  )
})
