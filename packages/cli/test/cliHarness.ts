/**
 * `bulkhead` in this process, with a configuration folder of its own: what it prints and what it ends with.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { API_TOKEN } from "@bulkhead/core/testing"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert } from "@effect/vitest"
import { ConfigProvider, Console, Effect, Layer } from "effect"
import { bulkhead } from "../src/bulkhead.ts"

export interface Ran {
  readonly exit: number
  readonly stdout: string
  readonly stderr: string
}

const capturing = (stdout: Array<string> = []) => {
  const written = { stdout, stderr: [] as string[] }
  const console: Console.Console = Object.create(globalThis.console)
  console.log = (...parts) => void written.stdout.push(parts.join(" "))
  console.error = (...parts) => void written.stderr.push(parts.join(" "))
  return { console, written }
}

/** A configuration folder that goes with the scope, and the command in it. */
export const startCli = Effect.fnUntraced(function* (environment: Record<string, string> = {}) {
  const folder = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "bulkhead-cli-"))),
    (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
  )
  /** `lines` gets what it prints while it runs. */
  const run = (
    args: ReadonlyArray<string>,
    more: Record<string, string> = {},
    lines?: Array<string>
  ): Effect.Effect<Ran> =>
    Effect.suspend(() => {
      const { console, written } = capturing(lines)
      const settings = ConfigProvider.fromEnvRecord({ XDG_CONFIG_HOME: folder, ...environment, ...more })
      return bulkhead(args).pipe(
        Effect.map((exit) => ({ exit, stdout: written.stdout.join("\n"), stderr: written.stderr.join("\n") })),
        Effect.provideService(Console.Console, console),
        Effect.provide(Layer.mergeAll(NodeServices.layer, ConfigProvider.layer(settings)))
      )
    })
  /** What it prints when all is well. */
  const ok = (...args: ReadonlyArray<string>): Effect.Effect<string> =>
    Effect.map(run(args), ({ exit, stdout, stderr }) => {
      assert.strictEqual(exit, 0, stderr)
      return stdout
    })
  // biome-ignore lint/suspicious/noExplicitAny: a test looks at what it expects
  const json = (...args: ReadonlyArray<string>): Effect.Effect<any> => Effect.map(ok(...args, "--json"), JSON.parse)
  return { folder, run, ok, json }
})

/** Where core answers, as a command's environment says it. */
export const coreAt = (url: string): Record<string, string> => ({ BULKHEAD_URL: url, BULKHEAD_TOKEN: API_TOKEN })
