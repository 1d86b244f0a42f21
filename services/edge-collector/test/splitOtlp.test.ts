import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire"
import { logDecoder } from "@bulkhead/records"
import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { splitOtlp } from "../src/splitOtlp.ts"
import { logRequest } from "./otlpRequests.ts"

const bodiesIn = (data: Uint8Array): ReadonlyArray<string> => {
  const bodies: Array<string> = []
  const sink = { add: (_: object, row: object) => bodies.push("body" in row ? String(row.body) : "") }
  const problem = logDecoder({ subject: "logs.otel", headers: {}, data, timestamp: new Date() }, sink)
  assert.isUndefined(problem)
  return bodies
}

describe("splitOtlp", () => {
  it("loses no record that fits, keeps the order, and no part is larger than the limit", () => {
    const body = fc.nat(300).map((length) => "x".repeat(length + 1))
    const request = fc.array(fc.array(fc.array(body, { maxLength: 6 }), { maxLength: 4 }), { maxLength: 4 })
    fc.assert(
      fc.property(request, (resources) => {
        const { parts, rejected } = splitOtlp(logRequest(resources), 300)
        for (const part of parts) assert.isAtMost(part.byteLength, 300)
        const found = parts.flatMap(bodiesIn)
        const sent = resources.flat(2)
        assert.strictEqual(found.length + rejected, sent.length)
        assert.deepStrictEqual(
          found,
          sent.filter((each) => found.includes(each))
        )
        assert.deepStrictEqual(
          found.filter((each) => each.length < 150),
          sent.filter((each) => each.length < 150)
        )
      })
    )
  })

  it("reads any bytes or throws", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          splitOtlp(bytes, 10)
        } catch (error) {
          assert.instanceOf(error, Error)
        }
      })
    )
  })

  it("keeps what it does not know in each part", () => {
    const unknown = new BinaryWriter().tag(9, WireType.LengthDelimited).string("kept").finish()
    const request = Buffer.concat([logRequest([[["a".repeat(90)]], [["b".repeat(90)]]]), unknown])
    const { parts } = splitOtlp(request, 200)
    assert.strictEqual(parts.length, 2)
    for (const part of parts) assert.include(Buffer.from(part).toString("latin1"), "kept")
  })
})
