/**
 * `npm run apply-tenants -w @bulkhead/provisioner`: makes the installation's tenants, plans, limits and credentials what a
 * file says. Safe to repeat at any time; a tenant that the file does not name stays as it is.
 */

import { coreClient } from "@bulkhead/core/api"
import { loggerLayer } from "@bulkhead/observability"
import { readSettings } from "@bulkhead/settings"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Console, Effect, Redacted } from "effect"
import { ensureCredential } from "./ensureCredential.ts"
import { ensureTenant } from "./ensureTenant.ts"
import { ProvisionError } from "./ProvisionError.ts"
import { readFileOf } from "./readFileOf.ts"
import { applyTenantsSettings } from "./settings.ts"
import { readTenantsFile } from "./TenantsFile.ts"

const program = Effect.gen(function* () {
  const { url, tokenFile, tenantsFile, credentialsFolder } = yield* readSettings(applyTenantsSettings)
  const tenants = yield* readTenantsFile("PROVISION_TENANTS_FILE", tenantsFile)
  if (credentialsFolder === undefined && tenants.some(({ credentials }) => credentials.length > 0)) {
    return yield* new ProvisionError({
      problem: `PROVISION_TENANTS_FILE="${tenantsFile}" names credentials, and PROVISION_CREDENTIALS_FOLDER is not set`,
      nextStep: "Set it to the folder they go to; nothing was changed"
    })
  }
  const token = yield* readFileOf("BULKHEAD_TOKEN_FILE", tokenFile)
  const api = yield* coreClient(url, Redacted.make(token))
  for (const tenant of tenants) {
    yield* Console.log(yield* ensureTenant(api, tenant))
    for (const credential of tenant.credentials) {
      yield* Console.log(yield* ensureCredential(api, credentialsFolder ?? "", tenant.slug, credential))
    }
  }
})

program.pipe(
  Effect.tapError((error) => Console.error(error.message)),
  Effect.provide(loggerLayer("apply-tenants")),
  NodeRuntime.runMain({ disableErrorReporting: true })
)
