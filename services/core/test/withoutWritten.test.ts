import { ORIGIN_HEADER, RETURNED_HEADER } from "@bulkhead/nats"
import type { Decoder } from "@bulkhead/records"
import { assert, describe, it } from "@effect/vitest"
import { withoutWritten } from "../src/lanes/withoutWritten.ts"

const BEFORE = { stream: "events-default", createdAt: "2026-11-29T08:00:00Z" }
const NOTE = { ...BEFORE, written: 50, source: "events", through: 40, ahead: [43], returnedThrough: 90 }
const SOURCE = { stream: "events-default", createdAt: "2026-11-29T09:00:00Z", lastSequence: 0, written: [NOTE] }

const laneAt = (watermark: number) => ({
  lane: `${BEFORE.stream}@${BEFORE.createdAt}`,
  watermark,
  rows: 0,
  deadLetters: 0,
  lastCommitAt: new Date(0)
})

/** Whether a message with these headers is decoded. */
const decodes = (lanes: Parameters<typeof withoutWritten>[2], headers: Readonly<Record<string, string>>): boolean => {
  let times = 0
  const count: Decoder = () => {
    times += 1
    return undefined
  }
  const message = { subject: "default.events.x", headers, data: new Uint8Array(), timestamp: new Date(0) }
  withoutWritten(count, SOURCE, lanes)(message, { add: () => {} })
  return times === 1
}

const copyOf = (sequence: number, stream = "events") => ({ [ORIGIN_HEADER]: `${stream} ${sequence} > > events.x` })
const returned = (sequence: number, from: string) => ({ ...copyOf(sequence), [RETURNED_HEADER]: from })

describe("a lane on a stream that copies once more", () => {
  it("passes over what the lane before wrote: copies, what came ahead of its copy, and what came back", () => {
    const passed = [copyOf(1), copyOf(40), copyOf(43), returned(60, "events-default 50")]
    assert.deepStrictEqual(
      passed.map((headers) => decodes([laneAt(50)], headers)),
      [false, false, false, false]
    )
  })

  it("writes everything else", () => {
    const others = [
      copyOf(41),
      copyOf(1, "logs"),
      {},
      returned(60, "events-default 51"),
      returned(60, "events-acme 50"),
      returned(91, "events-default 50")
    ]
    assert.deepStrictEqual(
      others.map((headers) => decodes([laneAt(50)], headers)),
      others.map(() => true)
    )
  })

  it("writes all of it where the rows are not there: without that lane, and with one that came less far", () => {
    assert.isTrue(decodes([], copyOf(1)))
    assert.isTrue(decodes([laneAt(49)], copyOf(1)))
  })
})
