/**
 * Writes the table of settings into the README: a part of `npm run generate`.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { describeSettings, withSettingsTable } from "@bulkhead/settings"
import { edgeSettings } from "../src/EdgeConfig.ts"

const file = new URL("../README.md", import.meta.url)
writeFileSync(file, withSettingsTable(readFileSync(file, "utf8"), describeSettings(edgeSettings)))
