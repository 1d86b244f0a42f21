export { bootstrapSettings } from "./bootstrapSettings.ts"
export { signerSettings } from "./SignerConfig.ts"
