/**
 * Publishing with each tenant's own credentials: one connection a tenant, whose account the server takes from the
 * credentials. Subjects go out without a prefix, and the server adds it; so not even a mistake of the publisher's puts a
 * message under another tenant.
 */
import { join } from "node:path"
import type { TenantSlug } from "@bulkhead/channels"
import { Flags } from "@bulkhead/flags"
import { CurrentTenant } from "@bulkhead/tenancy"
import { ConfigProvider, Context, Effect, Layer } from "effect"
import { EventPublisher } from "./EventPublisher.ts"
import { Nats } from "./Nats.ts"
import type { NatsOptions } from "./NatsConfig.ts"
import { PermissionDenied, PublishError } from "./PublishError.ts"

/** For whom to publish, and with what. */
export interface TenantPublishersOptions {
  readonly tenants: ReadonlyArray<TenantSlug>
  /** Holds `<slug>.creds` for each of them; a file is read again at each connect, so it may be replaced at any time. */
  readonly credsFolder: string
  /** How to reach NATS; its credentials are not used. */
  readonly nats: NatsOptions
}

/** The tenants' connections: a readiness check. */
export class TenantConnections extends Context.Service<
  TenantConnections,
  {
    /** Tenants whose connection does not stand now. */
    readonly missing: Effect.Effect<ReadonlyArray<TenantSlug>>
  }
>()("@bulkhead/nats/TenantConnections") {}

/** Whatever the environment says of prefixes: here they are the server's. */
const unprefixed = Flags.layerEnv.pipe(Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord({}))))

const openFor = Effect.fnUntraced(function* (tenant: TenantSlug, { credsFolder, nats }: TenantPublishersOptions) {
  const credsFile = join(credsFolder, `${tenant}.creds`)
  const { servers, clientName, tlsCaFile, tlsCertFile, tlsKeyFile } = nats
  const connection = Nats.layerWith({ servers, clientName, tlsCaFile, tlsCertFile, tlsKeyFile, credsFile })
  // Fresh, or all tenants would share the first one's.
  const layer = Layer.fresh(EventPublisher.layer).pipe(Layer.provide(unprefixed), Layer.provideMerge(connection))
  const context = yield* Layer.build(layer)
  return { tenant, publisher: Context.get(context, EventPublisher), nats: Context.get(context, Nats) }
})

const noCredentials = (tenant: TenantSlug, subject: string) =>
  new PublishError({
    operation: "EventPublisher.publish",
    reason: new PermissionDenied({ subject, problem: `there are no credentials of tenant "${tenant}" here` })
  })

const make = Effect.fnUntraced(function* (options: TenantPublishersOptions) {
  const opened = yield* Effect.forEach(new Set(options.tenants), (tenant) => openFor(tenant, options))
  const publishers = new Map(opened.map(({ tenant, publisher }) => [tenant, publisher]))

  const publishWithTenant: EventPublisher["Service"]["publishWithTenant"] = (tenant, subject, data, given) =>
    publishers.get(tenant)?.publishWithTenant(tenant, subject, data, given) ??
    Effect.fail(noCredentials(tenant, subject))

  const missing = Effect.map(
    Effect.filter(opened, ({ nats }) => Effect.map(nats.isConnected, (up) => !up)),
    (down) => down.map(({ tenant }) => tenant)
  )

  return Context.make(TenantConnections, { missing }).pipe(
    Context.add(EventPublisher, {
      publishWithTenant,
      publish: (subject, data, given) =>
        CurrentTenant.use((tenant) => publishWithTenant(tenant.slug, subject, data, given))
    })
  )
})

/**
 * An `EventPublisher` for these tenants. A server that is away, or credentials that it refuses, delay the tenant's
 * messages and readiness; the files must be there at the start.
 */
export const layerTenantPublishers = (options: TenantPublishersOptions) =>
  Layer.effectContext(make(options)) satisfies Layer.Layer<EventPublisher | TenantConnections, unknown>
