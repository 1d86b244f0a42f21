export { FlowDecoder } from "./FlowDecoder.ts"
export { FlowError, GeoDatabaseUnreadable, NetworkInvalid } from "./FlowError.ts"
export { flowSettings } from "./flowSettings.ts"
