/** Export requests as clients write them. */
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire"

/** A message whose one field has these values. */
const repeated = (field: number, values: ReadonlyArray<Uint8Array>): Uint8Array => {
  const writer = new BinaryWriter()
  for (const value of values) writer.tag(field, WireType.LengthDelimited).bytes(value)
  return writer.finish()
}

const text = (field: number, value: string): Uint8Array =>
  new BinaryWriter().tag(field, WireType.LengthDelimited).string(value).finish()

/** Bodies of log records, by resource and scope. */
export const logRequest = (resources: ReadonlyArray<ReadonlyArray<ReadonlyArray<string>>>): Uint8Array =>
  repeated(
    1,
    resources.map((scopes) =>
      repeated(
        2,
        scopes.map((bodies) =>
          repeated(
            2,
            bodies.map((body) => repeated(5, [text(1, body)]))
          )
        )
      )
    )
  )

const name = (value: string): Uint8Array => text(5, value)

/** One span. */
export const traceRequest = (spanName: string): Uint8Array => {
  const ids = new BinaryWriter().tag(1, WireType.LengthDelimited).bytes(new Uint8Array(16).fill(1))
  ids.tag(2, WireType.LengthDelimited).bytes(new Uint8Array(8).fill(2))
  ids.tag(7, WireType.Bit64).fixed64(1_768_400_000_000_000_000n.toString())
  ids.tag(8, WireType.Bit64).fixed64(1_768_400_000_500_000_000n.toString())
  return repeated(1, [repeated(2, [repeated(2, [Buffer.concat([ids.finish(), name(spanName)])])])])
}

/** One gauge with one point. */
export const metricRequest = (metricName: string): Uint8Array => {
  const point = new BinaryWriter().tag(3, WireType.Bit64).fixed64(1_768_400_000_000_000_000n.toString())
  point.tag(4, WireType.Bit64).double(1.5)
  const gauge = repeated(5, [repeated(1, [point.finish()])])
  return repeated(1, [repeated(2, [repeated(2, [Buffer.concat([text(1, metricName), gauge])])])])
}
