/**
 * A package as core knows it: the credentials of its leaf node, named after the site.
 */
import type { IssuedUser } from "@bulkhead/core/api"
import * as Argument from "effect/cli/Argument"
import * as DateTime from "effect/DateTime"

const PREFIX = "leaf-"

export const siteArgument = Argument.String("site").pipe(
  Argument.withDescription("The site's name: 2 to 32 of a-z, 0-9 and -")
)

export const credentialName = (site: string): string => `${PREFIX}${site}`

/** Undefined for credentials that are no site's. */
export const siteOf = ({ role, name }: IssuedUser): string | undefined =>
  role === "leaf" && name.startsWith(PREFIX) ? name.slice(PREFIX.length) : undefined

export const isGood = ({ revokedAt, expiresAt }: IssuedUser, now: DateTime.DateTime): boolean =>
  revokedAt === undefined && DateTime.isGreaterThan(expiresAt, now)
