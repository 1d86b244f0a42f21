/**
 * What the bridge costs: a tenant's client publishes through its account's import into the platform's stream, against a
 * client of the platform's own account that publishes into the same stream directly.
 */
import { connectWith, startInstallation } from "@bulkhead/accounts/testing"
import { jetstream } from "@nats-io/jetstream"
import type { NatsConnection } from "@nats-io/transport-node"
import { Effect } from "effect"
import { median } from "./median.ts"
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

const measure = Effect.gen(function* () {
  const installation = yield* startInstallation()
  const bridged = yield* (yield* installation.onboard("acme")).connectAs("collector", { noAsyncTraces: true })
  const user = yield* installation.platformUser("publisher", "platform")
  const direct = yield* connectWith(installation.server.url, user, { noAsyncTraces: true })
  return yield* Effect.promise(async () => {
    const rates = { bridged: [] as Array<number>, direct: [] as Array<number> }
    for (let round = 0; round <= ROUNDS; round += 1) {
      const pair = { bridged: await rate(bridged, "events.bench"), direct: await rate(direct, "acme.events.bench") }
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
