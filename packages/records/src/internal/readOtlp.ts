/**
 * Reads an OTLP request, in protobuf or in its JSON form.
 */
import type { BinaryReader } from "@bufbuild/protobuf/wire"
import { type ParsedJson, parseJson } from "./parseJson.ts"
import { checkWire } from "./protobuf/checkWire.ts"
import type { MessageShape } from "./protobuf/MessageShape.ts"
import { readProtoJson } from "./protobuf/readProtoJson.ts"
import { WireReader } from "./protobuf/WireReader.ts"

/** Generated code that reads a message. */
export interface MessageCodec<Message> {
  decode(input: BinaryReader): Message
}

export const readProtobuf = <Message>(
  shape: MessageShape,
  codec: MessageCodec<Message>,
  bytes: Uint8Array
): Message => {
  checkWire(shape, bytes)
  return codec.decode(new WireReader(bytes))
}

const BLANKS: ReadonlySet<number> = new Set([0x20, 0x09, 0x0a, 0x0d])
const [BRACE, BRACKET] = [0x7b, 0x5b]

/**
 * The payload as JSON, or undefined where it is not meant as such. Neither bracket can begin a request of ours in
 * protobuf; behind a line feed, which is also a tag, only text that parses is JSON.
 */
export const jsonOf = (payload: Uint8Array): ParsedJson | undefined => {
  const first = payload.find((byte) => !BLANKS.has(byte))
  if (first !== BRACE && first !== BRACKET) return undefined
  if (payload[0] === first) return parseJson(payload)
  try {
    return parseJson(payload)
  } catch {
    return undefined
  }
}

/** The request that the payload is, in whichever form. */
export const readOtlp = <Message>(shape: MessageShape, codec: MessageCodec<Message>, payload: Uint8Array): Message => {
  const json = jsonOf(payload)
  return json === undefined ? readProtobuf(shape, codec, payload) : readProtoJson<Message>(shape, json)
}
