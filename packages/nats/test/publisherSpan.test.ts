import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, References, Tracer } from "effect"
import fc from "fast-check"
import { publisherSpan } from "../src/index.ts"
import { traceparentOf } from "../src/publisherSpan.ts"

const hex = (length: number) =>
  fc
    .string({ unit: fc.constantFrom(..."0123456789abcdef"), minLength: length, maxLength: length })
    .filter((text) => /[^0]/.test(text))

describe("publisherSpan", () => {
  it("reads back what was written", () => {
    fc.assert(
      fc.property(hex(32), hex(16), fc.boolean(), (traceId, spanId, sampled) => {
        const traceparent = traceparentOf(Tracer.externalSpan({ traceId, spanId, sampled })) ?? ""
        const span = Option.getOrThrow(publisherSpan({ headers: { traceparent } }))
        assert.deepInclude(span, { traceId, spanId, sampled })
      })
    )
  })

  it("is none without a header, or with one that is none", () => {
    for (const headers of [{}, { traceparent: "" }, { traceparent: "00-1-2-01" }, { traceparent: "zz" }]) {
      assert.isTrue(Option.isNone(publisherSpan(headers.traceparent === undefined ? { headers: {} } : { headers })))
    }
  })

  it.effect("has nothing to write where the process does not trace", () =>
    Effect.useSpan("off", (span) => Effect.sync(() => assert.isUndefined(traceparentOf(span)))).pipe(
      Effect.provideService(References.TracerEnabled, false)
    )
  )
})
