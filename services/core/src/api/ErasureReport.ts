import { Schema } from "effect"

/** What was found when a tenant was gone. */
export const ErasureReport = Schema.Struct({
  tenantId: Schema.String,
  slug: Schema.String,
  /** RFC 3339 */
  requestedAt: Schema.String,
  erasedAt: Schema.String,
  account: Schema.Struct({
    connections: Schema.Int,
    /** What the server said to a client that came with credentials of the tenant's. */
    credentials: Schema.String
  }),
  stream: Schema.Struct({ name: Schema.String, exists: Schema.Boolean }),
  /** Messages of the tenant in the stream that all tenants share; absent in reports of earlier releases. */
  sharedStream: Schema.optionalKey(Schema.Struct({ name: Schema.String, messages: Schema.Int })),
  /** Keys of the tenant in the bucket that rules are read from; absent in reports of earlier releases. */
  rules: Schema.optionalKey(Schema.Struct({ bucket: Schema.String, keys: Schema.Int })),
  database: Schema.Struct({ schema: Schema.Boolean, role: Schema.Boolean })
}).annotate({ identifier: "ErasureReport" })
export type ErasureReport = typeof ErasureReport.Type
