/**
 * A thread that publishes into one subject with acknowledgement, as evenly as it can, and reports how much it could.
 */
import { randomUUID } from "node:crypto"
import { isMainThread, parentPort, workerData } from "node:worker_threads"
import { jetstream } from "@nats-io/jetstream"
import { connect } from "@nats-io/transport-node"

export interface FloodWish {
  readonly url: string
  readonly subject: string
  readonly perSecond: number
  readonly ms: number
}

export interface FloodReport {
  /** Acknowledged by the stream. */
  readonly published: number
}

const encoder = new TextEncoder()

/** An event of some 500 bytes that says when it was sent. */
export const payloadOf = (phase: string): Uint8Array =>
  encoder.encode(
    JSON.stringify({
      id: randomUUID(),
      time: new Date().toISOString(),
      class_uid: 1008,
      category_uid: 1,
      type_uid: 100_801,
      activity_id: 1,
      severity_id: 1,
      message: "x".repeat(200),
      unmapped: { phase, sentAtMs: performance.timeOrigin + performance.now() }
    })
  )

const TICK_MS = 10
const IN_FLIGHT_MAX = 5_000

const run = async ({ url, subject, perSecond, ms }: FloodWish): Promise<FloodReport> => {
  const connection = await connect({ servers: url, noAsyncTraces: true })
  const client = jetstream(connection)
  const began = performance.now()
  let [sent, published] = [0, 0]
  const underWay = new Set<Promise<unknown>>()
  while (performance.now() - began < ms) {
    const due = ((performance.now() - began) / 1_000) * perSecond
    for (; sent < due && underWay.size < IN_FLIGHT_MAX; sent += 1) {
      const ack = client.publish(subject, payloadOf("flood")).then(() => {
        published += 1
        underWay.delete(ack)
      })
      underWay.add(ack)
    }
    await new Promise((resolve) => setTimeout(resolve, TICK_MS))
  }
  await Promise.all(underWay)
  await connection.close()
  return { published }
}

if (!isMainThread) parentPort?.postMessage(await run(workerData as FloodWish))
