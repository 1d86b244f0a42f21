/**
 * A tenant's site: the place whose devices are watched, and how it reaches the platform. Everything else in this package
 * is made from it.
 */
import { TenantSlug } from "@bulkhead/tenancy"
import { Schema } from "effect"

const MIB = 1024 * 1024

/** A DNS label, as the tenant's slug is: together they name the leaf node and its JetStream domain. */
export const SiteName = Schema.String.check(
  Schema.isPattern(/^[a-z][a-z0-9-]{0,30}[a-z0-9]$/, {
    message: "a site's name has 2 to 32 lower-case letters, digits and hyphens, and begins with a letter"
  })
)

const HubUrl = Schema.String.check(
  Schema.isPattern(/^(tls|nats-leaf|wss):\/\/[a-z0-9.[\]:-]+:\d{1,5}$/i, {
    message: "a hub's URL reads tls://host:7422: with a port, and without a user, as credentials are a file"
  })
)

const Port = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 65_535 }))

/** The site, as one value. */
export const Site = Schema.Struct({
  tenant: TenantSlug,
  name: SiteName,
  /** The platform's listeners for leaf nodes: `tls://host:port`, tried in turn. */
  hubUrls: Schema.NonEmptyArray(HubUrl),
  /** Bytes of one message that the tenant may send; the tenant's plan says it. */
  messageBytesMax: Schema.Int.check(Schema.isBetween({ minimum: 4_096, maximum: 8 * MIB })),
  /** Bytes of disk for what waits while the platform cannot be reached. */
  bufferBytesMax: Schema.Int.check(Schema.isGreaterThanOrEqualTo(64 * MIB)),
  /** Where collectors of the site reach the leaf node; 127.0.0.1 unless they run on other machines. */
  listenHost: Schema.String.check(Schema.isPattern(/^[0-9a-fA-F.:]+$/, { message: "an IP address, 127.0.0.1" })),
  listenPort: Port,
  /** The leaf node's health, on 127.0.0.1 only. */
  monitorPort: Port
}).annotate({ identifier: "Site" })
export type Site = typeof Site.Type

/** The leaf node's name and the domain of its JetStream: no other site of any tenant has it. */
export const domainOf = ({ tenant, name }: Pick<Site, "tenant" | "name">): string => `${tenant}-${name}`

/** The relay adds headers to each message; the platform counts them. */
const HEADERS_BYTES_MAX = 1_024

/** What a collector of the site may publish at most, headers included. */
export const bufferedBytesMax = ({ messageBytesMax }: Pick<Site, "messageBytesMax">): number =>
  messageBytesMax - HEADERS_BYTES_MAX
