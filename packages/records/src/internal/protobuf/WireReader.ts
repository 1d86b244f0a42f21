/**
 * Reads the texts of a protobuf message so that PostgreSQL takes them: generated code puts U+FFFD for bytes that are no
 * UTF-8, and lets NUL through. Only for bytes that `checkWire` has passed.
 */
import { BinaryReader } from "@bufbuild/protobuf/wire"
import { DecodeError } from "../../DecodeError.ts"
import { textProblem } from "../findUnstorable.ts"

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

/** What Node puts where bytes are no UTF-8; a text may also hold it by itself. */
const REPLACEMENT = "\ufffd"

export class WireReader extends BinaryReader {
  readonly #bytes: Buffer

  constructor(bytes: Uint8Array) {
    super(bytes)
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  override string(): string {
    const length = this.uint32()
    const start = this.pos
    this.pos += length
    const text = this.#bytes.toString("utf8", start, this.pos)
    if (text.includes(REPLACEMENT)) this.#checkUtf8(start)
    const problem = text.includes("\u0000") ? textProblem(text) : undefined
    if (problem !== undefined) throw new DecodeError("unstorable_text", `byte ${start}`, `the text ${problem}`)
    return text
  }

  #checkUtf8(start: number): void {
    try {
      utf8.decode(this.#bytes.subarray(start, this.pos))
    } catch {
      throw new DecodeError("not_utf8", `byte ${start}`, "the text is not valid UTF-8: send texts as UTF-8")
    }
  }
}
