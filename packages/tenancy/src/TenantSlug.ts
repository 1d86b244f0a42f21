/**
 * Slugs and ids as schemas, for everything that arrives from outside. The rules themselves are those of
 * `@bulkhead/channels`, which needs no Effect.
 */
import { ChannelError, isTenantSlug, parseSlug } from "@bulkhead/channels"
import { Schema } from "effect"

/** The slug of a tenant that exists: a customer's, or `default`. */
export const TenantSlug = Schema.String.pipe(
  Schema.refine(isTenantSlug, {
    expected: "a tenant's slug: a-z, 0-9 and -, starting with a letter, at most 48 characters"
  })
)
export type TenantSlug = typeof TenantSlug.Type

const followsSlugRule = Schema.makeFilter((text: string) => {
  const slug = parseSlug(text)
  return slug instanceof ChannelError ? slug.message : true
})

/** The slug of a tenant to be created: reserved words are refused, with the rule in the message. */
export const NewTenantSlug = Schema.String.check(followsSlugRule).pipe(Schema.refine(isTenantSlug))

/** A tenant's id, for places where a name must not be seen or may not change: a UUID. */
export const TenantId = Schema.String.check(Schema.isUUID()).pipe(Schema.brand("TenantId"))
export type TenantId = typeof TenantId.Type
