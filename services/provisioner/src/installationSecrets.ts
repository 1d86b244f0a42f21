/**
 * `installation-secrets read|write`: carries what account-signer's `bootstrap` writes, a folder for each service, between a
 * folder and Secrets of Kubernetes: `<prefix>-creds-core`, `<prefix>-nats-server`. Read first, so that `bootstrap` finds
 * what is still good; write afterwards. Certificates are trusted as `NODE_EXTRA_CA_CERTS` says.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { loggerLayer } from "@bulkhead/observability"
import { readSettings } from "@bulkhead/settings"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Console, Effect } from "effect"
import { KubernetesSecrets } from "./KubernetesSecrets.ts"
import { ProvisionError } from "./ProvisionError.ts"
import { installationSettings } from "./settings.ts"

/** The services that a folder and a Secret are for. */
const OWNERS = [
  "nats-server",
  "core",
  "db-event-writer",
  "netflow-consumer",
  "zen-consumer",
  "signer",
  "signer-system",
  "auditor"
] as const

const secretName = (prefix: string, owner: string): string =>
  owner === "nats-server" ? `${prefix}-nats-server` : `${prefix}-creds-${owner}`

const verb = process.argv[2]

const program = Effect.gen(function* () {
  if (verb !== "read" && verb !== "write") {
    return yield* new ProvisionError({ problem: `"${verb ?? ""}" is no command`, nextStep: "Say read or write" })
  }
  const { folder, prefix, namespace, apiServer, tokenFile } = yield* readSettings(installationSettings)
  const secrets = new KubernetesSecrets({ apiServer, namespace, tokenFile })
  for (const owner of OWNERS) {
    const name = secretName(prefix, owner)
    const own = join(folder, owner)
    if (verb === "read") {
      const files = yield* secrets.read(name)
      mkdirSync(own, { recursive: true, mode: 0o700 })
      for (const [file, text] of Object.entries(files)) writeFileSync(join(own, file), text, { mode: 0o600 })
      yield* Console.log(`${name}: ${Object.keys(files).length} files read`)
    } else {
      const files = Object.fromEntries(readdirSync(own).map((file) => [file, readFileSync(join(own, file), "utf8")]))
      yield* secrets.write(name, files)
      yield* Console.log(`${name}: ${Object.keys(files).length} files written`)
    }
  }
})

program.pipe(
  Effect.tapError((error) => Console.error(error.message)),
  Effect.provide(loggerLayer("installation-secrets")),
  NodeRuntime.runMain({ disableErrorReporting: true })
)
