/**
 * What the bridge costs: a tenant's client publishes through its account's import into the platform's stream, against a
 * client of the platform's own account that publishes into the same stream directly.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import {
  inboxPrefixOf,
  makeAccountKeys,
  makeInstallationKeys,
  PLANS,
  pushClaims,
  resolverConfig,
  signInstallation,
  signTenantAccount,
  signTenantUser,
  signUser,
  type UserCredentials
} from "@bulkhead/accounts"
import type { TenantSlug } from "@bulkhead/channels"
import { startNatsServer } from "@bulkhead/devstack"
import { jetstream, jetstreamManager } from "@nats-io/jetstream"
import { connect, credsAuthenticator, type NatsConnection } from "@nats-io/transport-node"
import { Effect, Redacted } from "effect"
import type { Benchmark } from "./run.ts"

const MESSAGES = 4_000
const IN_FLIGHT = 500
const ROUNDS = 9
const RATIO_MIN = 0.75
const PAYLOAD = new Uint8Array(300)

/** Publishes with acknowledgement, `IN_FLIGHT` at once; gives messages a second. */
const rate = async (connection: NatsConnection, subject: string): Promise<number> => {
  const client = jetstream(connection)
  const began = performance.now()
  let next = 0
  const worker = async () => {
    while (next < MESSAGES) {
      next += 1
      await client.publish(subject, PAYLOAD)
    }
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker))
  return (MESSAGES * 1_000) / (performance.now() - began)
}

const median = (values: ReadonlyArray<number>): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0

const measure = Effect.gen(function* () {
  const folder = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "bulkhead-bench-"))),
    (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
  )
  const keys = makeInstallationKeys()
  const tenant = { tenant: "acme" as TenantSlug, keys: makeAccountKeys(), limits: PLANS.pro }
  const claims = yield* Effect.promise(() => signInstallation("bench", keys))
  const config = resolverConfig(claims, keys, join(folder, "jwt"))
  const server = yield* startNatsServer({ folder: join(folder, "server"), config })
  const open = (user: UserCredentials, inboxPrefix?: string) =>
    Effect.acquireRelease(
      Effect.promise(() =>
        connect({
          servers: server.url,
          authenticator: credsAuthenticator(new TextEncoder().encode(Redacted.value(user.creds))),
          noAsyncTraces: true,
          ...(inboxPrefix === undefined ? {} : { inboxPrefix })
        })
      ),
      (connection) => Effect.promise(() => connection.close())
    )
  const soon = new Date(Date.now() + 3_600_000)
  const all = { pub: { allow: [">"] }, sub: { allow: [">"] } }
  const system = yield* open(yield* Effect.promise(() => signUser(keys.system, "system", all, soon)))
  yield* pushClaims(system, yield* Effect.promise(() => signTenantAccount(tenant, keys)))
  const platform = yield* open(yield* Effect.promise(() => signUser(keys.platform, "platform", all, soon)))
  const collector = yield* Effect.promise(() => signTenantUser(tenant.keys, "collector", "collector", soon))
  const bridged = yield* open(collector, inboxPrefixOf("collector"))
  return yield* Effect.promise(async () => {
    const manager = await jetstreamManager(platform)
    await manager.streams.add({ name: "events-acme", subjects: ["acme.events.>"] })
    const rates = { bridged: [] as Array<number>, direct: [] as Array<number> }
    for (let round = 0; round <= ROUNDS; round += 1) {
      const pair = { bridged: await rate(bridged, "events.bench"), direct: await rate(platform, "acme.events.bench") }
      // The first round warms up.
      if (round === 0) continue
      rates.bridged.push(pair.bridged)
      rates.direct.push(pair.direct)
    }
    return { bridged: median(rates.bridged), direct: median(rates.direct) }
  })
})

export const benchmark: Benchmark = async () => {
  const { bridged, direct } = await Effect.runPromise(Effect.scoped(measure))
  const ratio = bridged / direct
  const figures = `bridge ${Math.round(bridged)}/s, direct ${Math.round(direct)}/s, ${IN_FLIGHT} in flight, acknowledged`
  return { ratio, isGood: ratio >= RATIO_MIN, text: `(limit ${RATIO_MIN}): ${figures}` }
}
