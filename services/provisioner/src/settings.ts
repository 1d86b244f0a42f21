/** What the commands read; `npm run generate` writes it into the README. */
import { Setting } from "@bulkhead/settings"

const file = (name: string, whose: string) => Setting.text(name, `a file with ${whose}`, "path")

export const prepareDatabaseSettings = {
  admin: file("PREPARE_ADMIN_URL_FILE", "the URL of a user that may make roles and databases"),
  core: file("PREPARE_CORE_URL_FILE", "core's `DATABASE_URL`"),
  signer: file("PREPARE_SIGNER_URL_FILE", "account-signer's `DATABASE_URL`"),
  eventWriter: file("PREPARE_EVENT_WRITER_URL_FILE", "db-event-writer's `DATABASE_URL`, where it runs").optional,
  netflow: file("PREPARE_NETFLOW_URL_FILE", "netflow-consumer's `DATABASE_URL`, where it runs").optional
}

export const applyTenantsSettings = {
  url: Setting.text("BULKHEAD_URL", "where core's API answers", "URL"),
  tokenFile: Setting.text("BULKHEAD_TOKEN_FILE", "a file with the API's token", "path"),
  tenantsFile: Setting.text("PROVISION_TENANTS_FILE", "the tenants, their plans, limits and credentials", "path"),
  credentialsFolder: Setting.text(
    "PROVISION_CREDENTIALS_FOLDER",
    "where credentials are put; needed when the file names some",
    "path"
  ).optional
}

const serviceAccount = "/var/run/secrets/kubernetes.io/serviceaccount"

export const installationSettings = {
  folder: Setting.text("INSTALLATION_FOLDER", "a folder for each service, as `bootstrap` writes them", "path"),
  prefix: Setting.text("INSTALLATION_SECRET_PREFIX", "how the Secrets' names begin, one for each installation"),
  namespace: Setting.text("INSTALLATION_NAMESPACE", "where the Secrets lie"),
  apiServer: Setting.text("INSTALLATION_API_SERVER", "Kubernetes' API", "URL").or("https://kubernetes.default.svc"),
  tokenFile: Setting.text("INSTALLATION_TOKEN_FILE", "the service account's token", "path").or(
    `${serviceAccount}/token`
  )
}
