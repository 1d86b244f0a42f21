/**
 * Names that the leaf node's configuration and the relay share.
 */
import { ROOTS } from "@bulkhead/channels"

/** The stream at the site that takes in whatever collectors publish. */
export const BUFFER_STREAM = "buffer"

/** Every subject a tenant may publish on, without the tenant: the platform adds it. */
export const BUFFER_SUBJECTS: ReadonlyArray<string> = ROOTS.map((root) => `${root}.>`)

/** The stream in which the relay remembers where it stands, and its one subject. */
export const POSITION_STREAM = "relay"
export const POSITION_SUBJECT = "relay.position"

/**
 * The subject of the marks that end each batch of a relay in the platform's stream. Under a root that no reader of the
 * platform writes rows from.
 */
export const markSubject = (site: string, relay: string): string => `agents.edge.${site}.${relay}`
