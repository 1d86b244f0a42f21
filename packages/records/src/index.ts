export { DECODE_REASONS, DecodeError, type DecodeReason } from "./DecodeError.ts"
export { type DecodeContext, decodeOcsfEvent, NESTING_LEVELS_MAX, PAYLOAD_BYTES_MAX } from "./decodeOcsfEvent.ts"
export type { JsonText, OcsfEventRow } from "./OcsfEventRow.ts"
