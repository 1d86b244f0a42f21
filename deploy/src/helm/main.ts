/** `npm run test:helm`: gets the tools that are missing, and then runs the charts' tests with them. */
import { spawnSync } from "node:child_process"
import { installTools } from "./tools.ts"

const { helm } = installTools()
if (helm === undefined) {
  console.log("test:helm: SKIPPED, there is no helm, and no Go to build it with")
} else {
  const { status } = spawnSync("vitest", ["run", "deploy/test/charts.test.ts"], {
    stdio: "inherit",
    env: { ...process.env, BULKHEAD_CHARTS: "all" }
  })
  process.exitCode = status ?? 1
}
