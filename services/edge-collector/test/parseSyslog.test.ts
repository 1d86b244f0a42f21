import { logDecoder } from "@bulkhead/records"
import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { parseSyslog } from "../src/parseSyslog.ts"
import { SyslogFrames } from "../src/SyslogFrames.ts"

const receivedAtMs = Date.UTC(2026, 0, 2, 3, 4, 5)
const arrival = { receivedAtMs, address: "10.0.0.7", partition: "berlin" }
const parse = (text: string) => parseSyslog(new TextEncoder().encode(text), arrival)

describe("parseSyslog", () => {
  it("reads RFC 5424 with structured data under keys of their own", () => {
    const text =
      '<165>1 2003-10-11T22:14:15.003Z sw-7 evntslog 12 ID47 [host@32473 host="evil" short_message="evil \\"q\\" \\]" host="two"][x@1] \uFEFFlink down'
    assert.deepStrictEqual(parse(text), {
      "_sd.host_32473.host": "evil",
      "_sd.host_32473.short_message": 'evil "q" ]',
      "_sd.host_32473.host.2": "two",
      version: "1.1",
      host: "sw-7",
      short_message: "link down",
      timestamp: 1_065_910_455.003,
      level: 5,
      application_name: "evntslog",
      process_id: "12",
      _message_id: "ID47",
      _sd_id: "host@32473,x@1",
      _facility: 20,
      _remote_addr: "berlin:10.0.0.7"
    })
  })

  it("reads RFC 3164, whose year is the latest that is not ahead", () => {
    const { timestamp, ...rest } = parse("<34>Dec 31 22:14:15 mymachine su[77]: 'su root' failed")
    assert.strictEqual(timestamp, new Date(2025, 11, 31, 22, 14, 15).getTime() / 1_000)
    assert.deepStrictEqual(rest, {
      version: "1.1",
      host: "mymachine",
      short_message: "'su root' failed",
      level: 2,
      application_name: "su",
      process_id: "77",
      _facility: 4,
      _remote_addr: "berlin:10.0.0.7"
    })
  })

  it.each([
    ["<13>no stamp at all", "no stamp at all", 5],
    ["no priority", "no priority", 5],
    ["<999>too high", "<999>too high", 5],
    ["<11>1 not-a-time h a p m - text", "1 not-a-time h a p m - text", 3],
    ["<11>", "-", 3],
    ["<11>1 - - - - - [broken text", "[broken text", 3],
    ["<11>1 - - - - - - a\0b", "a\uFFFDb", 3]
  ])("keeps what it cannot read as text: %s", (text, message, level) => {
    const record = parse(text)
    assert.deepStrictEqual([record.short_message, record.level], [message, level])
  })

  it("makes of any bytes a record that the platform's decoder takes", () => {
    const pieces = fc.oneof(
      fc.constantFrom(
        "<34>",
        "1 ",
        "- ",
        "Oct 11 22:14:15 ",
        "2003-10-11T22:14:15Z ",
        '[a b="',
        '"]',
        "host ",
        "su[1]: ",
        "\\"
      ),
      fc.string({ unit: "binary", maxLength: 20 })
    )
    const texts = fc.array(pieces, { maxLength: 12 }).map((parts) => new TextEncoder().encode(parts.join("")))
    fc.assert(
      fc.property(fc.oneof(texts, fc.uint8Array({ maxLength: 200 })), (bytes) => {
        const record = parseSyslog(bytes, arrival)
        const data = new TextEncoder().encode(JSON.stringify(record))
        let rows = 0
        const sink = { add: () => (rows += 1) }
        const message = { subject: "logs.syslog", headers: {}, data, timestamp: new Date(receivedAtMs) }
        assert.isUndefined(logDecoder(message, sink))
        assert.strictEqual(rows, 1)
        assert.include([record.host, arrival.address], record.host)
        assert.strictEqual(record._remote_addr, "berlin:10.0.0.7")
      }),
      { numRuns: 200 }
    )
  })
})

const framesOf = (chunks: ReadonlyArray<Uint8Array>, bytesMax: number) => {
  const frames = new SyslogFrames(bytesMax)
  return [...chunks.flatMap((chunk) => frames.push(chunk)), ...frames.end()].map(({ bytes, isTruncated }) => ({
    text: Buffer.from(bytes).toString("latin1"),
    isTruncated
  }))
}

describe("SyslogFrames", () => {
  it("finds the same messages however the stream is cut into chunks", () => {
    const message = fc.record({ text: fc.stringMatching(/^<[a-z ]{0,20}$/), isCounted: fc.boolean() })
    fc.assert(
      fc.property(fc.array(message), fc.array(fc.nat(30)), (messages, cuts) => {
        const stream = Buffer.from(
          messages.map(({ text, isCounted }) => (isCounted ? `${text.length} ${text}` : `${text}\n`)).join("")
        )
        const chunks: Array<Buffer> = []
        let rest = stream
        for (const cut of cuts) {
          chunks.push(rest.subarray(0, cut))
          rest = rest.subarray(cut)
        }
        const found = framesOf([...chunks, rest], 15)
        const wanted = messages.map(({ text }) => ({ text: text.slice(0, 15), isTruncated: text.length > 15 }))
        assert.deepStrictEqual(found, wanted)
      })
    )
  })

  it("holds no more than a message of the longest length, whatever comes", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 50 })), (chunks) => {
        for (const { text } of framesOf(chunks, 20)) assert.isAtMost(text.length, 29)
      })
    )
  })
})
