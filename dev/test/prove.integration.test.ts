/** The command against an installation of its own, whose claims can be spoiled. The one of `npm run dev` is tried beside. */
import { spawnSync } from "node:child_process"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { credsFile, operatorConfig } from "@bulkhead/accounts"
import { startInstallation } from "@bulkhead/accounts/testing"
import { assert, describe, it } from "@effect/vitest"
import { type Account, decode, encodeAccount, encodeActivation } from "@nats-io/jwt"
import { Effect, Redacted } from "effect"

const entry = fileURLToPath(new URL("../src/prove.ts", import.meta.url))

const prove = (...args: ReadonlyArray<string>) => {
  const node = ["--conditions=@bulkhead/source", entry, ...args]
  const { status, stdout, stderr } = spawnSync(process.execPath, node, { encoding: "utf8" })
  return { status, output: stdout + stderr }
}

const start = Effect.gen(function* () {
  const installation = yield* startInstallation()
  yield* installation.onboard("acme")
  const globex = yield* installation.onboard("globex")
  const write = (name: string, text: string) => {
    writeFileSync(join(installation.folder, name), text)
    return join(installation.folder, name)
  }
  const claimsFolder = join(installation.folder, "claims")
  const operator = write("operator.conf", operatorConfig(installation.keys, installation.claims, claimsFolder))
  const { claims, key } = yield* installation.platformUser("auditor", "system")
  const creds = write("auditor.creds", Redacted.value(credsFile(claims, key)))
  return {
    installation,
    globex,
    live: ["--operator", operator, "--url", installation.server.url, "--creds", creds],
    fromFolder: (folder: string) => ["--operator", operator, "--resolver", folder],
    claimsFolder
  }
})

/** Claims of globex with acme's events in the place of its own: no server can see that this token should not have been given. */
const leaky = ({ installation, globex }: Effect.Success<typeof start>) =>
  Effect.promise(async () => {
    const { platform, operatorSigning } = installation.keys
    const { publicKey } = globex.keys
    const subject = "acme.events.>"
    const signer = { signer: platform.signing.signer }
    const activation = { subject, kind: "service" } as const
    const token = await encodeActivation("leak", publicKey, platform.publicKey, "service", activation, signer)
    const { imports = [], ...nats } = decode<Account>(globex.claims).nats
    const others = imports.filter(({ name }) => name !== "events")
    const account = platform.publicKey
    const leak = { name: "leak", type: "service" as const, subject, account, local_subject: "events.>", token }
    const signed = { signer: operatorSigning.signer }
    return encodeAccount("globex", publicKey, { ...nats, imports: [...others, leak] }, signed)
  })

/** Each run of the command is a process of its own. */
const TIMEOUT_MS = 120_000

describe("prove", () => {
  it.live(
    "ends with 0 while the walls are closed, and with 1 and the path when one is open",
    () =>
      Effect.gen(function* () {
        const world = yield* start
        for (const args of [world.live, world.fromFolder(world.claimsFolder)]) {
          const { status, output } = prove(...args)
          assert.match(output, /2 tenants, 0 leaks, 0 warnings\n$/)
          assert.strictEqual(status, 0)
        }
        yield* world.installation.servers.push(yield* leaky(world))
        for (const args of [world.live, world.fromFolder(world.claimsFolder)]) {
          const { status, output } = prove(...args)
          assert.match(output, /globex +P? *·? *P/)
          assert.match(
            output,
            /leak +publish: globex → acme: globex role collector → events\.> → import "leak" → PLATFORM acme\.events\.>/
          )
          assert.strictEqual(status, 1)
        }
      }),
    TIMEOUT_MS
  )

  it.live(
    "ends with 1 where there is nothing to prove: no claims, no answer, no such file, half the options",
    () =>
      Effect.gen(function* () {
        const { fromFolder, live, installation } = yield* start
        const empty = join(installation.folder, "empty")
        mkdirSync(empty)
        const refused: ReadonlyArray<readonly [ReadonlyArray<string>, RegExp]> = [
          [fromFolder(empty), /among 0 accounts' claims are not both .* nothing is proved/],
          [fromFolder(join(empty, "x")), /cannot be read/],
          [live.slice(0, 4), /do not say where the claims are/],
          [[...live.slice(0, 3), "nats://127.0.0.1:1", ...live.slice(4)], /127\.0\.0\.1:1: .*Check the server/]
        ]
        for (const [args, text] of refused) {
          const { status, output } = prove(...args)
          assert.match(output, text)
          assert.strictEqual(status, 1, output)
        }
      }),
    TIMEOUT_MS
  )
})
