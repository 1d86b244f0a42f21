/** The API definition for clients; the server's code does not come with it. */
export type { IssuedUser } from "@bulkhead/account-signer/client"
export { DEAD_LETTER_REASONS } from "@bulkhead/storage"
export { CoreApi } from "./CoreApi.ts"
export type { Credential } from "./CredentialsApi.ts"
export type { DeadLetterEntry, DeadLetterFilter, RetryReport } from "./DeadLettersApi.ts"
export type { FlagChange, FlagState } from "./FlagsApi.ts"
export { TenantHealth } from "./HealthApi.ts"
export type { Replay } from "./ReplaysApi.ts"
