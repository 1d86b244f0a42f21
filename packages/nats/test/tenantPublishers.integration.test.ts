import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { credsFile } from "@bulkhead/accounts"
import { startInstallation, temporaryFolder } from "@bulkhead/accounts/testing"
import type { TenantSlug } from "@bulkhead/channels"
import { waitUntil } from "@bulkhead/devstack"
import { assert, describe, it } from "@effect/vitest"
import { jetstreamManager } from "@nats-io/jetstream"
import { Effect, Fiber, Layer, Redacted } from "effect"
import { EventPublisher, layerTenantPublishers, TenantConnections } from "../src/index.ts"

const data = new TextEncoder().encode("{}")

/** Two tenants with credentials in a folder, and publishers that use them. */
const start = Effect.gen(function* () {
  const installation = yield* startInstallation()
  const credsFolder = yield* temporaryFolder
  const tenants = new Map<TenantSlug, Effect.Success<ReturnType<typeof installation.onboard>>>()
  for (const slug of ["acme", "globex"] as Array<TenantSlug>) {
    const tenant = yield* installation.onboard(slug)
    tenants.set(slug, tenant)
    const { claims, key } = yield* tenant.user("collector")
    writeFileSync(join(credsFolder, `${slug}.creds`), Redacted.value(credsFile(claims, key)))
  }
  const nats = { servers: [installation.server.url] }
  const context = yield* Layer.build(layerTenantPublishers({ tenants: [...tenants.keys()], credsFolder, nats }))
  return {
    installation,
    tenants,
    publisher: yield* Effect.provideContext(EventPublisher, context),
    connections: yield* Effect.provideContext(TenantConnections, context)
  }
})

describe("tenant publishers", () => {
  it.live("publish each tenant's messages with its own credentials, and the server adds the prefix", () =>
    Effect.gen(function* () {
      const { installation, publisher } = yield* start
      for (const tenant of ["acme", "globex", "globex"] as Array<TenantSlug>) {
        const ack = yield* publisher.publishWithTenant(tenant, "events.x", data)
        assert.strictEqual(ack.stream, `events-${tenant}`)
      }
      const message = yield* Effect.promise(async () =>
        (await jetstreamManager(installation.platform)).streams.getMessage("events-globex", { seq: 2 })
      )
      assert.strictEqual(message?.subject, "globex.events.x")
      assert.strictEqual(yield* installation.stored("acme"), 1)
    })
  )

  it.live("refuse a tenant whose credentials they do not have", () =>
    Effect.gen(function* () {
      const { publisher } = yield* start
      const error = yield* Effect.flip(publisher.publishWithTenant("initech" as TenantSlug, "events.x", data))
      assert.strictEqual(error.reason._tag, "PermissionDenied")
      assert.include(error.message, 'no credentials of tenant "initech"')
    })
  )

  it.live("name the tenant that is cut, and hold up no other", () =>
    Effect.gen(function* () {
      const { installation, tenants, publisher, connections } = yield* start
      assert.deepStrictEqual(yield* connections.missing, [])
      const acme = tenants.get("acme" as TenantSlug)
      if (acme === undefined) return assert.fail("acme is there")
      yield* installation.push({ ...acme.account, isSuspended: true }, acme.keys)
      yield* waitUntil(
        "acme is missed",
        Effect.map(connections.missing, (missing) => missing.join() === "acme")
      )
      yield* publisher.publishWithTenant("globex" as TenantSlug, "events.x", data)
      const waiting = yield* Effect.forkScoped(publisher.publishWithTenant("acme" as TenantSlug, "events.x", data))
      yield* installation.push(acme.account, acme.keys)
      yield* waitUntil(
        "acme is back",
        Effect.map(connections.missing, (missing) => missing.length === 0)
      )
      yield* waitUntil(
        "what waited is stored",
        Effect.map(installation.stored("acme"), (messages) => messages === 1)
      )
      assert.strictEqual((yield* Fiber.join(waiting)).stream, "events-acme")
    })
  )
})
