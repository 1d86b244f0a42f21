/**
 * What each image runs: its entries by the names under which they stand in the image. `main` is what an image starts; the
 * others are commands of the same service, started by name.
 */

/** Image → entry's name in the image → source file, from the repository's root. */
export const imageContents: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "account-signer": {
    main: "services/account-signer/src/main.ts",
    bootstrap: "services/account-signer/src/bootstrap.ts",
    "root-key": "services/account-signer/src/rootKey.ts"
  },
  core: {
    main: "services/core/src/main.ts",
    migrate: "services/core/src/migrate.ts",
    // The rule engine's processes start it by this name: core tries rules on messages.
    engineMain: "packages/rules/src/internal/engineMain.ts"
  },
  "db-event-writer": { main: "services/db-event-writer/src/main.ts" },
  "edge-collector": { main: "services/edge-collector/src/main.ts" },
  "edge-relay": { main: "services/edge-relay/src/main.ts" },
  "netflow-consumer": { main: "services/netflow-consumer/src/main.ts" },
  poller: { main: "services/poller/src/main.ts" },
  provisioner: {
    main: "services/provisioner/src/applyTenants.ts",
    "prepare-database": "services/provisioner/src/prepareDatabase.ts",
    "installation-secrets": "services/provisioner/src/installationSecrets.ts"
  },
  "zen-consumer": {
    main: "services/zen-consumer/src/main.ts",
    engineMain: "packages/rules/src/internal/engineMain.ts"
  }
}

/** Packages with native parts, which no bundle can take in: image → packages that lie beside it. */
export const nativePackages: Readonly<Record<string, ReadonlyArray<string>>> = {
  core: ["@gorules/zen-engine"],
  "zen-consumer": ["@gorules/zen-engine"]
}
