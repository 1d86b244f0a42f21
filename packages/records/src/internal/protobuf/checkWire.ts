/**
 * Walks a protobuf message before it is read. Generated readers skip what they do not expect and read on behind a length
 * that lies; here every length stays inside its message, every known field has its own wire type, and no nesting can
 * exhaust the stack. What passes is read whole.
 */
import { DecodeError, type DecodeReason } from "../../DecodeError.ts"
import type { FieldShape, FieldType, MessageShape } from "./MessageShape.ts"

/** Levels of messages in messages, the default of protobuf's own readers less a few. A value in a map takes three. */
export const MESSAGE_LEVELS_MAX = 96

const VARINT = 0
const BYTES_8 = 1
const LENGTH = 2
const BYTES_4 = 5

const WIRE_TYPES: Readonly<Record<FieldType, number>> = {
  double: BYTES_8,
  int64: VARINT,
  uint64: VARINT,
  fixed64: BYTES_8,
  sfixed64: BYTES_8,
  uint32: VARINT,
  fixed32: BYTES_4,
  sint32: VARINT,
  bool: VARINT,
  string: LENGTH,
  bytes: LENGTH,
  enum: VARINT,
  message: LENGTH
}

const VARINT_BYTES_MAX = 10
/** Of a tag or a length, which have 32 bits. */
const VARINT32_BYTES_MAX = 5

class WireCheck {
  readonly #bytes: Uint8Array
  #at = 0
  /** The fields that lead to where we are. */
  readonly #trail: Array<FieldShape> = []

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  message(shape: MessageShape, end: number): void {
    while (this.#at < end) this.#field(shape, end)
  }

  #field(shape: MessageShape, end: number): void {
    const start = this.#at
    const tag = this.#varint32(end)
    const wireType = tag & 7
    const field = shape.byNumber.get(tag >>> 3)
    if (tag >>> 3 === 0) this.#fail("invalid_field", start, "is a field with the number 0: send protobuf")
    if (field === undefined) this.#skip(wireType, start, end)
    else if (wireType === WIRE_TYPES[field.type]) this.#value(field, wireType, start, end)
    // Numbers of a list come one by one or all in one.
    else if (wireType === LENGTH && field.repeated) this.#packed(field, start, end)
    else
      this.#fail(
        "invalid_field",
        start,
        `has the field ${field.protoName} with wire type ${wireType} where ${WIRE_TYPES[field.type]} stands for it: send the definition's types`
      )
  }

  #value(field: FieldShape, wireType: number, start: number, end: number): void {
    if (field.message === undefined) {
      this.#skip(wireType, start, end)
      return
    }
    const inside = this.#length(start, end)
    if (this.#trail.push(field) > MESSAGE_LEVELS_MAX) {
      this.#fail("too_deep", start, `is nested deeper than ${MESSAGE_LEVELS_MAX} messages: send flatter values`)
    }
    this.message(field.message, inside)
    this.#trail.pop()
  }

  #packed(field: FieldShape, start: number, end: number): void {
    const inside = this.#length(start, end)
    while (this.#at < inside) this.#skip(WIRE_TYPES[field.type], start, inside)
  }

  #skip(wireType: number, start: number, end: number): void {
    if (wireType === VARINT) this.#varint(end)
    else if (wireType === LENGTH) this.#at = this.#length(start, end)
    else if (wireType === BYTES_8) this.#at += 8
    else if (wireType === BYTES_4) this.#at += 4
    else this.#fail("invalid_field", start, `has the wire type ${wireType}, which messages of proto3 do not use`)
    if (this.#at > end)
      this.#fail("invalid_field", start, `ends ${this.#at - end} bytes too early: send the whole message`)
  }

  /** Where the part ends whose length stands here. */
  #length(start: number, end: number): number {
    const length = this.#varint32(end)
    const left = end - this.#at
    if (length > left) {
      this.#fail("invalid_field", start, `has a part of ${length} bytes where ${left} are left: send the whole message`)
    }
    return this.#at + length
  }

  #varint32(end: number): number {
    const start = this.#at
    let value = 0
    for (let index = 0; index < VARINT32_BYTES_MAX && this.#at < end; index += 1) {
      const byte = this.#bytes[this.#at] ?? 0
      this.#at += 1
      value += (byte & 0x7f) * 2 ** (7 * index)
      if (byte < 0x80 && value <= 0xffff_ffff) return value
    }
    return this.#fail("invalid_field", start, "is no tag or length of 32 bits: send protobuf")
  }

  #varint(end: number): void {
    const start = this.#at
    while (this.#at < end && this.#at - start < VARINT_BYTES_MAX) {
      this.#at += 1
      if ((this.#bytes[this.#at - 1] ?? 0) < 0x80) return
    }
    this.#fail("invalid_field", start, "is no number of 64 bits: send protobuf")
  }

  #fail(reason: DecodeReason, at: number, problem: string): never {
    const field = this.#trail.map(({ protoName }) => protoName).slice(0, TRAIL_SHOWN_MAX)
    throw new DecodeError(reason, `byte ${at}`, `${field.join(".") || "the message"} ${problem}`)
  }
}

/** Of the fields that lead to a fault; what is nested deeper repeats itself. */
const TRAIL_SHOWN_MAX = 8

/** Throws the `DecodeError` of the first thing that is wrong with the bytes of a message, at its byte. */
export const checkWire = (shape: MessageShape, bytes: Uint8Array): void =>
  new WireCheck(bytes).message(shape, bytes.byteLength)
