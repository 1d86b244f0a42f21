export { baseOffset, NO_BASE } from "./baseOffset.ts"
export type { Channel } from "./CHANNELS.ts"
export { CHANNELS } from "./CHANNELS.ts"
export type { ChannelErrorReason } from "./ChannelError.ts"
export { ChannelError } from "./ChannelError.ts"
export { SHARED_STREAM_NAME, schemaName, streamName, tenantOfStream } from "./names.ts"
export type { PrefixMode } from "./patterns.ts"
export {
  patternCovers,
  patternsForAllTenants,
  patternsForTenant,
  patternsOverlap,
  subjectMatches
} from "./patterns.ts"
export type { Root } from "./roots.ts"
export { ROOTS } from "./roots.ts"
export type { TenantSlug } from "./Slug.ts"
export { DEFAULT_TENANT, isTenantSlug, parseSlug, RESERVED_SLUGS, SLUG_LENGTH_MAX } from "./Slug.ts"
export type { ParsedSubject } from "./Subject.ts"
export {
  BASE_LENGTH_MAX,
  parseSubject,
  prefixSubject,
  SUBJECT_LENGTH_MAX,
  stripTenant
} from "./Subject.ts"
