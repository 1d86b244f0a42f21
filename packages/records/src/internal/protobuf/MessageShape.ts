/**
 * What a protobuf message looks like, from the generated table: enough to walk its bytes or its JSON without its code.
 */
import { ENUMS, MESSAGES } from "../../generated/shapes.ts"

export type FieldType =
  | "double"
  | "int64"
  | "uint64"
  | "fixed64"
  | "sfixed64"
  | "uint32"
  | "fixed32"
  | "sint32"
  | "bool"
  | "string"
  | "bytes"
  | "enum"
  | "message"

/** A field as the table has it. */
export interface FieldEntry {
  readonly number: number
  /** Of the field in JSON and in code. */
  readonly name: string
  /** In the definition; readers of JSON must take it too. */
  readonly protoName: string
  readonly type: FieldType
  readonly repeated?: true
  readonly optional?: true
  /** The choice it belongs to. */
  readonly oneof?: string
  /** Of its message or enumeration. */
  readonly typeName?: string
}

export interface FieldShape extends FieldEntry {
  readonly message: MessageShape | undefined
  readonly values: Readonly<Record<string, number>> | undefined
}

export class MessageShape {
  readonly fields: ReadonlyArray<FieldShape>
  readonly byNumber: ReadonlyMap<number, FieldShape>
  readonly byName: ReadonlyMap<string, FieldShape>

  private constructor(name: string) {
    // Before its fields: a message may hold itself.
    known.set(name, this)
    this.fields = (MESSAGES[name] ?? []).map((entry) => ({
      ...entry,
      message: entry.type === "message" && entry.typeName !== undefined ? MessageShape.of(entry.typeName) : undefined,
      values: entry.type === "enum" && entry.typeName !== undefined ? ENUMS[entry.typeName] : undefined
    }))
    this.byNumber = new Map(this.fields.map((field) => [field.number, field]))
    this.byName = new Map(
      this.fields.flatMap((field) => [
        [field.name, field],
        [field.protoName, field]
      ])
    )
  }

  /** The shape of the message with this full name. */
  static of(name: string): MessageShape {
    return known.get(name) ?? new MessageShape(name)
  }
}

const known = new Map<string, MessageShape>()
