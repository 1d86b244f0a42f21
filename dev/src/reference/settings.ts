/**
 * Which settings each service reads, and which document has their table: what the reference and the checks of
 * deployments are made from.
 */
import { bootstrapSettings, signerSettings } from "@bulkhead/account-signer/settings"
import { apiTokenSettings, coreSettings } from "@bulkhead/core/settings"
import { dbEventWriterSettings } from "@bulkhead/db-event-writer/settings"
import { edgeSettings } from "@bulkhead/edge-collector/settings"
import { relaySettings } from "@bulkhead/edge-relay/settings"
import { flowSettings } from "@bulkhead/flows"
import { natsSettings, publisherSettings } from "@bulkhead/nats"
import { netflowSettings } from "@bulkhead/netflow-consumer/settings"
import { serviceSettings } from "@bulkhead/observability"
import { pollerSettings } from "@bulkhead/poller/settings"
import { applyTenantsSettings, installationSettings, prepareDatabaseSettings } from "@bulkhead/provisioner/settings"
import { ruleEngineSettings } from "@bulkhead/rules"
import { kubernetesSettings, postgresSettings, secretStoreSettings, vaultSettings } from "@bulkhead/secrets"
import type { SettingGroup } from "@bulkhead/settings"
import { databaseSettings } from "@bulkhead/storage"
import { zenSettings } from "@bulkhead/zen-consumer/settings"

/** A table of settings in a document. */
export interface SettingsTable {
  /** The document, from the root of the repository. */
  readonly document: string
  /** What the table is of, where the document has several. */
  readonly of?: string
  readonly settings: SettingGroup
}

const secrets = "packages/secrets/README.md"

/** Every table of settings. */
export const settingsTables: ReadonlyArray<SettingsTable> = [
  { document: "services/core/README.md", settings: { ...coreSettings, ...apiTokenSettings } },
  { document: "services/db-event-writer/README.md", settings: dbEventWriterSettings },
  { document: "services/netflow-consumer/README.md", settings: netflowSettings },
  { document: "services/zen-consumer/README.md", settings: zenSettings },
  { document: "services/poller/README.md", settings: pollerSettings },
  { document: "services/edge-collector/README.md", settings: edgeSettings },
  { document: "services/edge-relay/README.md", settings: relaySettings },
  { document: "services/account-signer/README.md", settings: signerSettings },
  { document: "services/account-signer/README.md", of: "bootstrap", settings: bootstrapSettings },
  { document: "services/provisioner/README.md", of: "prepare-database", settings: prepareDatabaseSettings },
  { document: "services/provisioner/README.md", of: "apply-tenants", settings: applyTenantsSettings },
  { document: "services/provisioner/README.md", of: "installation-secrets", settings: installationSettings },
  { document: "packages/nats/README.md", settings: { ...natsSettings, ...publisherSettings } },
  { document: "packages/rules/README.md", settings: ruleEngineSettings },
  { document: "packages/flows/README.md", settings: flowSettings },
  { document: "packages/storage/README.md", settings: databaseSettings },
  { document: "packages/observability/README.md", settings: serviceSettings },
  { document: secrets, settings: secretStoreSettings },
  { document: secrets, of: "PostgreSQL", settings: postgresSettings },
  { document: secrets, of: "Vault", settings: vaultSettings },
  { document: secrets, of: "Kubernetes", settings: kubernetesSettings }
]
