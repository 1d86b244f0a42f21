/**
 * Tells a client of gRPC when to come again. OTLP repeats a call that was refused with RESOURCE_EXHAUSTED only where it is
 * told so: by a `google.rpc.RetryInfo` within a `google.rpc.Status`, in the trailer `grpc-status-details-bin`.
 */
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire"
import { Metadata, type status } from "@grpc/grpc-js"

const message = (field: number, bytes: Uint8Array): Uint8Array =>
  new BinaryWriter().tag(field, WireType.LengthDelimited).bytes(bytes).finish()
const text = (field: number, value: string): Uint8Array =>
  new BinaryWriter().tag(field, WireType.LengthDelimited).string(value).finish()
const whole = (field: number, value: number): Uint8Array =>
  new BinaryWriter().tag(field, WireType.Varint).int64(value).finish()

/** A status that the client repeats after so many seconds. */
export const retryLater = (code: status, details: string, afterS: number) => {
  const retryInfo = message(1, whole(1, afterS))
  const any = Buffer.concat([text(1, "type.googleapis.com/google.rpc.RetryInfo"), message(2, retryInfo)])
  const metadata = new Metadata()
  metadata.set("grpc-status-details-bin", Buffer.concat([whole(1, code), text(2, details), message(3, any)]))
  return { code, details, metadata }
}
