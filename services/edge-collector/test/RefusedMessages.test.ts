import { readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { temporaryFolder } from "@bulkhead/accounts/testing"
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { RefusedMessages } from "../src/RefusedMessages.ts"

it.effect("refused messages are kept as they were, the newest ones, within the bound", () =>
  Effect.gen(function* () {
    const folder = yield* temporaryFolder
    const refused = new RefusedMessages(folder, 2_000)
    const message = (at: number) => ({ subject: "logs.snmp", payload: Buffer.from([0, 255, at]), problem: "no right" })
    for (let at = 0; at < 50; at += 1) yield* Effect.promise(() => refused.add([message(at)]))
    yield* Effect.promise(() => refused.add([{ ...message(50), payload: Buffer.alloc(2_000) }]))
    const files = ["refused.old.jsonl", "refused.jsonl"].map((name) => join(folder, name))
    const bytes = files.reduce((sum, file) => sum + statSync(file).size, 0)
    assert.isAtMost(bytes, 2_000)
    assert.isAbove(bytes, 1_000)
    const kept = files
      .flatMap((file) => readFileSync(file, "utf8").trimEnd().split("\n"))
      .map((line) => JSON.parse(line))
    const numbers = kept.map(({ payload }): number | undefined => Buffer.from(payload, "base64")[2])
    assert.deepStrictEqual(
      numbers,
      numbers.map((_, at) => 50 - numbers.length + at)
    )
    assert.deepInclude(kept.at(-1), { subject: "logs.snmp", problem: "no right" })
  })
)
