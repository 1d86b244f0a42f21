import { defineConfig } from "vitest/config"

// Workspace packages are imported as TypeScript sources, by the condition their package.json names.
const conditions = ["@bulkhead/source", "node", "import", "default"]

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: ["{packages,services}/*/test/**/*.test.ts", "{dev,attacks,faults}/test/**/*.test.ts"],
    pool: "forks",
    execArgv: ["--conditions=@bulkhead/source"],
    testTimeout: 60_000,
    hookTimeout: 120_000
  }
})
