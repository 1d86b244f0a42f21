/**
 * What each container of the charts reads, by the image's entry that it runs: so that a variable that is misspelt or
 * missing in a chart is seen before a cluster sees it.
 */
import { bootstrapSettings, signerSettings } from "@bulkhead/account-signer/settings"
import { apiTokenSettings, coreSettings } from "@bulkhead/core/settings"
import { dbEventWriterSettings } from "@bulkhead/db-event-writer/settings"
import { edgeSettings } from "@bulkhead/edge-collector/settings"
import { flowSettings } from "@bulkhead/flows"
import { natsSettings } from "@bulkhead/nats"
import { netflowSettings } from "@bulkhead/netflow-consumer/settings"
import { serviceSettings } from "@bulkhead/observability"
import { pollerSettings } from "@bulkhead/poller/settings"
import { applyTenantsSettings, installationSettings, prepareDatabaseSettings } from "@bulkhead/provisioner/settings"
import { postgresSettings, secretStoreSettings } from "@bulkhead/secrets"
import type { SettingGroup } from "@bulkhead/settings"
import { databaseSettings } from "@bulkhead/storage"

/** The store that the charts begin with. */
const secretStore = { store: secretStoreSettings, postgres: postgresSettings }
const service = { service: serviceSettings, nats: natsSettings }

/** Container's name → what it reads, and settings without which it does not start beside those that say so themselves. */
export const containerSettings: Readonly<
  Record<string, { readonly settings: SettingGroup; readonly needs: ReadonlyArray<string> }>
> = {
  core: {
    settings: { ...service, core: coreSettings, token: apiTokenSettings, database: databaseSettings },
    needs: ["CORE_API_TOKEN_FILE", "DATABASE_URL_FILE", "NATS_CREDS_FILE", "NATS_INBOX_PREFIX"]
  },
  "account-signer": {
    settings: { ...service, signer: signerSettings, database: databaseSettings, secretStore },
    needs: ["DATABASE_URL_FILE", "SECRETS_KEYS_FILE"]
  },
  "db-event-writer": {
    settings: { ...service, writer: dbEventWriterSettings, database: databaseSettings },
    needs: ["DATABASE_URL_FILE", "NATS_CREDS_FILE", "NATS_INBOX_PREFIX"]
  },
  "netflow-consumer": {
    settings: { ...service, netflow: netflowSettings, flows: flowSettings, database: databaseSettings },
    needs: ["DATABASE_URL_FILE", "NATS_CREDS_FILE", "NATS_INBOX_PREFIX"]
  },
  "zen-consumer": { settings: service, needs: ["NATS_CREDS_FILE", "NATS_INBOX_PREFIX"] },
  poller: { settings: { ...service, poller: pollerSettings }, needs: ["POLLER_CREDS_FOLDER"] },
  "edge-collector": { settings: { ...service, edge: edgeSettings }, needs: ["NATS_CREDS_FILE"] },
  database: { settings: { database: prepareDatabaseSettings }, needs: [] },
  "read-installation": { settings: { installation: installationSettings }, needs: [] },
  "write-installation": { settings: { installation: installationSettings }, needs: [] },
  bootstrap: {
    settings: { bootstrap: bootstrapSettings, database: databaseSettings, secretStore },
    needs: ["DATABASE_URL_FILE", "SECRETS_KEYS_FILE"]
  },
  "apply-tenants": { settings: { tenants: applyTenantsSettings }, needs: [] }
}
