/**
 * Built by a Go toolchain, where the machine has one: takes minutes, so it is the last resort.
 */
import { join } from "node:path"
import { install, inTemporaryFolder, NATS_SERVER_VERSION, type NatsServerSource, run } from "./NatsServerSource.ts"

export const natsServerFromGo = (version: string = NATS_SERVER_VERSION): NatsServerSource => ({
  name: `a build of ${version} with go install (takes minutes)`,
  obtain: (target) =>
    inTemporaryFolder(async (folder) => {
      await run("go", ["version"]).catch(() => {
        throw new Error("no Go toolchain")
      })
      await run("go", ["install", `github.com/nats-io/nats-server/v2@v${version}`], {
        env: { ...process.env, GOBIN: folder, GOFLAGS: "-buildvcs=false" }
      })
      install(join(folder, "nats-server"), target)
    })
})
