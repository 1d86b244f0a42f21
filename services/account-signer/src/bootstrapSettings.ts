import { Setting } from "@bulkhead/settings"

/** What `bootstrap` reads beside the settings of the secret store and of the database. */
export const bootstrapSettings = {
  folder: Setting.text("BOOTSTRAP_FOLDER", "where the files go; keep it from others", "path"),
  foldersApart: Setting.boolean(
    "BOOTSTRAP_FOLDERS_APART",
    "each file in a folder of its own (`core/core.creds`, `nats-server/operator.conf`), so that a container mounts its own"
  ).or(false),
  name: Setting.text("BOOTSTRAP_NAME", "the operator's name").or("bulkhead"),
  resolverFolder: Setting.text("BOOTSTRAP_RESOLVER_FOLDER", "where each server keeps claims", "path").otherwise(
    "`resolver` in that folder"
  ),
  credsDays: Setting.whole(
    "BOOTSTRAP_CREDS_DAYS",
    "days",
    { from: 1 },
    "how long the services' credentials are good; renewed when a third is left"
  ).or(365)
}
