/**
 * The installed command is one bundle without dependencies: a program of a few hundred modules starts in a fraction of the
 * time it takes to find them one by one. Groups of commands are chunks of their own, read when they are named.
 */
import { rmSync } from "node:fs"
import { defineConfig } from "rolldown"

rmSync(new URL("dist", import.meta.url), { recursive: true, force: true })

export default defineConfig({
  input: { bulkhead: "src/main.ts" },
  platform: "node",
  resolve: { conditionNames: ["@bulkhead/source", "node", "import", "default"] },
  output: { dir: "dist", format: "esm", chunkFileNames: "[name]-[hash].js", sourcemap: false, minify: true }
})
