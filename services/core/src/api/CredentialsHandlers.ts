/**
 * What the credentials API does: it asks the signer. A key that core makes for a caller is in the answer and nowhere else.
 */
import { type IssuedUser, SignerClient, type SignerError } from "@bulkhead/account-signer/client"
import { credsFile, NKey } from "@bulkhead/accounts"
import { isTenantSlug, type TenantSlug } from "@bulkhead/channels"
import { DateTime, Effect, Redacted } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { CoreApi } from "./CoreApi.ts"
import type { NewCredential, Rotation } from "./CredentialsApi.ts"
import { CredentialUnknownProblem, RefusedProblem, type TenantUnknownProblem, UnavailableProblem } from "./problems.ts"
import { unknownTenant } from "./tenantFailures.ts"

const ACTOR = "api"

const slugOf = (slug: string) => (isTenantSlug(slug) ? Effect.succeed(slug) : unknownTenant(slug))

type Problem = UnavailableProblem | TenantUnknownProblem | RefusedProblem

const problemOf =
  (tenant: string) =>
  (error: SignerError): Effect.Effect<never, Problem> => {
    switch (error.kind) {
      case "unavailable":
        return Effect.fail(new UnavailableProblem({ detail: error.message, dependency: "account-signer" }))
      case "unknown":
        return unknownTenant(tenant)
      default:
        return Effect.fail(new RefusedProblem({ detail: error.problem }))
    }
  }

const credentialUnknown = (publicKey: string, slug: string) =>
  new CredentialUnknownProblem({
    detail: `Tenant "${slug}" has no credential ${publicKey} that is still good. List them with GET /v1/tenants/${slug}/credentials`
  })

export const CredentialsHandlers = HttpApiBuilder.group(
  CoreApi,
  "credentials",
  Effect.fn(function* (handlers) {
    const signer = yield* SignerClient

    const usersOf = (tenant: TenantSlug) =>
      signer.ask("list-users", { actor: ACTOR, tenant }).pipe(
        Effect.map(({ users }) => users),
        Effect.catch(problemOf(tenant))
      )

    const userOf = Effect.fnUntraced(function* (tenant: TenantSlug, publicKey: string) {
      const user = (yield* usersOf(tenant)).find((one) => one.publicKey === publicKey)
      if (user === undefined || user.revokedAt !== undefined) return yield* credentialUnknown(publicKey, tenant)
      return user
    })

    const sign = Effect.fnUntraced(function* (
      tenant: TenantSlug,
      wanted: Pick<typeof NewCredential.Type, "role" | "name" | "purpose">,
      { expiresInDays, publicKey }: Pick<typeof Rotation.Type, "expiresInDays" | "publicKey">,
      replaces?: { readonly publicKey: string; readonly retiresAt: DateTime.Utc }
    ) {
      const made = publicKey === undefined ? NKey.make("user") : undefined
      const { role, name, purpose } = wanted
      const request = {
        actor: ACTOR,
        tenant,
        role,
        name,
        purpose,
        publicKey: publicKey ?? made?.publicKey ?? "",
        expiresAt: DateTime.add(yield* DateTime.now, { days: expiresInDays }),
        ...(replaces === undefined ? {} : { replaces })
      }
      const { claims, user } = yield* signer.ask("sign-user", request).pipe(Effect.catch(problemOf(tenant)))
      return { user, claims, ...(made === undefined ? {} : { creds: Redacted.value(credsFile(claims, made)) }) }
    })

    return handlers.handleAll({
      issue: Effect.fnUntraced(function* ({ params, payload }) {
        return yield* sign(yield* slugOf(params.slug), payload, payload)
      }),
      list: ({ params }) => Effect.flatMap(slugOf(params.slug), usersOf),
      rotate: Effect.fnUntraced(function* ({ params, payload }) {
        const tenant = yield* slugOf(params.slug)
        const old: IssuedUser = yield* userOf(tenant, params.publicKey)
        const retiresAt = DateTime.add(yield* DateTime.now, { seconds: payload.overlapSeconds })
        return yield* sign(tenant, old, payload, { publicKey: old.publicKey, retiresAt })
      }),
      revoke: Effect.fnUntraced(function* ({ params }) {
        const tenant = yield* slugOf(params.slug)
        // Once more is fine: the answer is the same.
        const user = (yield* usersOf(tenant)).find((one) => one.publicKey === params.publicKey)
        if (user === undefined) return yield* credentialUnknown(params.publicKey, tenant)
        const request = { actor: ACTOR, tenant, publicKey: params.publicKey }
        return (yield* signer.ask("revoke-user", request).pipe(Effect.catch(problemOf(tenant)))).user
      }),
      audit: Effect.fnUntraced(function* ({ params }) {
        const tenant = yield* slugOf(params.slug)
        const answer = yield* signer.ask("list-audit", { actor: ACTOR, tenant }).pipe(Effect.catch(problemOf(tenant)))
        return answer.entries
      })
    })
  })
)
