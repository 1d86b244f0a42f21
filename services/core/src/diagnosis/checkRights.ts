/**
 * Whether core's own user may ask NATS all that this release asks. Credentials of an earlier release let messages through
 * and lack what came since.
 */
import { mayPublish, Nats, publishRightsOf, RIGHTS_SUBJECT } from "@bulkhead/nats"
import { Effect } from "effect"
import { TenantAccounts } from "../accounts/TenantAccounts.ts"
import { failed, ok } from "./finding.ts"

/** `any` stands for the names of streams and consumers. */
const NEEDED = [
  "$JS.API.INFO",
  "$JS.API.STREAM.LIST",
  "$JS.API.CONSUMER.LIST.any",
  ...["INFO", "CREATE", "UPDATE", "DELETE", "PURGE"].map((request) => `$JS.API.STREAM.${request}.any`),
  ...["DURABLE.CREATE", "INFO", "DELETE", "MSG.NEXT"].map((request) => `$JS.API.CONSUMER.${request}.any.any`),
  "$JS.API.DIRECT.GET.any",
  "$KV.bulkhead-flags.any"
]

export const checkRights = Effect.gen(function* () {
  const connection = yield* (yield* Nats).connection
  const rights = yield* Effect.promise(() => publishRightsOf(connection))
  const missing = rights === undefined ? [RIGHTS_SUBJECT] : NEEDED.filter((subject) => !mayPublish(rights, subject))
  if (missing.length === 0) return ok("core's NATS user may ask all that this release asks")
  const seen = `core's NATS user may not publish on "${missing.join('", "')}"`
  const { areKept } = yield* TenantAccounts
  return failed(
    seen,
    areKept
      ? "Its credentials are of an earlier release: make new ones with npm run bootstrap -w @bulkhead/account-signer, and start core again"
      : "Give the user of NATS_URL these rights"
  )
})
