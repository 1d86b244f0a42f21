import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { readStreamSettings } from "../src/streams/StreamSettingsFile.ts"

const reading = (text: string) =>
  Effect.acquireUseRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "bulkhead-settings-"))),
    (folder) => {
      const file = join(folder, "streams.json")
      writeFileSync(file, text)
      return readStreamSettings(file)
    },
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
  )

describe("the file of stream settings", () => {
  it.effect("may be absent, and say a little or all", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* readStreamSettings(undefined), {})
      assert.deepStrictEqual(yield* reading("{}"), {})
      const all = {
        default: { replicas: 3, placement: { cluster: "eu", tags: ["ssd"] }, storage: "file", discard: "new" },
        plans: { free: { maxAgeMs: 3_600_000, replicas: 1 }, enterprise: { duplicateWindowMs: 600_000 } },
        shared: { maxAgeMs: 0 },
        readers: [{ name: "zen", patterns: ["logs.syslog"], ownStreams: true, sharedStream: "one", madeBy: "plan" }]
      }
      assert.deepStrictEqual(yield* reading(JSON.stringify(all)), all as never)
    })
  )

  it.effect.each<[string, RegExp]>([
    ["{", /cannot be used/],
    ['{"default":{"replikas":3}}', /replikas/],
    ['{"default":{"replicas":6}}', /5/],
    ['{"default":{"maxBytes":1}}', /maxBytes/],
    ['{"plans":{"gold":{}}}', /gold/],
    ['{"shared":{"duplicateWindowMs":119999}}', /120000/],
    [
      '{"readers":[{"name":"a b","patterns":["logs.x"],"ownStreams":true,"sharedStream":"one","madeBy":"plan"}]}',
      /name/
    ],
    [
      '{"readers":[{"name":"zen","patterns":["*.logs.x"],"ownStreams":true,"sharedStream":"one","madeBy":"plan"}]}',
      /root/
    ]
  ])("is refused for %s, by name of the file and of what is wrong", ([text, problem]) =>
    Effect.gen(function* () {
      const { message } = yield* Effect.flip(reading(text))
      assert.include(message, "CORE_STREAM_SETTINGS_FILE=")
      assert.match(message, problem)
    })
  )

  it.effect("names a file that is not there", () =>
    Effect.gen(function* () {
      assert.include((yield* Effect.flip(readStreamSettings("/nowhere/streams.json"))).message, "/nowhere/streams.json")
    })
  )
})
