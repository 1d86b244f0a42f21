import { defineConfig } from "vitest/config"

// Workspace packages are imported as TypeScript sources, by the condition their package.json names.
const conditions = ["@bulkhead/source", "node", "import", "default"]

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: ["{packages,services}/*/test/**/*.test.ts", "{dev,attacks,faults,deploy}/test/**/*.test.ts"],
    pool: "forks",
    // Most of a test's time is waiting for servers that start or come back: two files at a time also where there are only
    // two cores.
    maxWorkers: 2,
    execArgv: ["--conditions=@bulkhead/source"],
    testTimeout: 90_000,
    hookTimeout: 120_000
  }
})
