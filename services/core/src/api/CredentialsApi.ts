/**
 * The credentials of a tenant: who may connect in its name.
 */
import { AuditEntry, IssuedUser, UserName } from "@bulkhead/account-signer/client"
import { TenantRole } from "@bulkhead/accounts"
import { Effect, Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import { Authorization } from "./Authorization.ts"
import { CredentialUnknownProblem, RefusedProblem, TenantUnknownProblem, UnavailableProblem } from "./problems.ts"

const days = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 3_650 }))
const overlapSeconds = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 30 * 86_400 }))
const defaulted = <S extends Schema.Top>(schema: S, value: S["Encoded"]) =>
  schema.pipe(Schema.withDecodingDefaultKey(Effect.succeed(value)))

/** What a caller says of a new credential. */
export const NewCredential = Schema.Struct({
  role: TenantRole,
  /** Who uses it, as the server's reports will call it. */
  name: UserName,
  purpose: Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(200)),
  expiresInDays: defaulted(days, 90),
  /** The public half of a key that the caller made: then its seed exists nowhere else. */
  publicKey: Schema.optionalKey(Schema.String)
}).annotate({ identifier: "NewCredential" })

/** A credential as it is handed out, this once. */
export const Credential = Schema.Struct({
  user: IssuedUser,
  /** The user's signed claims. */
  claims: Schema.String,
  /** The text of a `.creds` file, with the seed; absent where the caller made the key. Nobody keeps it. */
  creds: Schema.optionalKey(Schema.String)
}).annotate({ identifier: "Credential" })
export type Credential = typeof Credential.Type

export const Rotation = Schema.Struct({
  expiresInDays: defaulted(days, 90),
  /** How long the old credential stays good beside the new one. */
  overlapSeconds: defaulted(overlapSeconds, 3_600),
  publicKey: Schema.optionalKey(Schema.String)
}).annotate({ identifier: "Rotation" })

const params = { slug: Schema.String }
const credential = { ...params, publicKey: Schema.String }
const errors = [TenantUnknownProblem, RefusedProblem, UnavailableProblem] as const

export class CredentialsApi extends HttpApiGroup.make("credentials")
  .add(
    HttpApiEndpoint.post("issue", "/:slug/credentials", {
      params,
      payload: NewCredential,
      success: Credential.pipe(HttpApiSchema.status(201)),
      error: [...errors]
    }).annotate(OpenApi.Description, "Issues a credential of a role. Its secret is in this answer and nowhere else."),
    HttpApiEndpoint.get("list", "/:slug/credentials", {
      params,
      success: Schema.Array(IssuedUser),
      error: [...errors]
    }),
    HttpApiEndpoint.post("rotate", "/:slug/credentials/:publicKey/rotate", {
      params: credential,
      payload: Rotation,
      success: Credential.pipe(HttpApiSchema.status(201)),
      error: [...errors, CredentialUnknownProblem]
    }).annotate(
      OpenApi.Description,
      "Issues a successor of the same role, name and purpose; the old credential is revoked after the overlap."
    ),
    HttpApiEndpoint.delete("revoke", "/:slug/credentials/:publicKey", {
      params: credential,
      success: IssuedUser,
      error: [...errors, CredentialUnknownProblem]
    }).annotate(OpenApi.Description, "Revokes a credential for ever; whoever is connected with it is cut."),
    HttpApiEndpoint.get("audit", "/:slug/audit", {
      params,
      success: Schema.Array(AuditEntry),
      error: [...errors]
    }).annotate(OpenApi.Description, "The newest signatures for the tenant, at most a thousand.")
  )
  .prefix("/v1/tenants")
  .middleware(Authorization) {}
