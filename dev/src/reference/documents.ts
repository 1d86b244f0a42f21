/**
 * The documents that are made in part from code.
 */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { describeSettings, withSettingsTable } from "@bulkhead/settings"
import { settingsTables } from "./settings.ts"

const root = join(import.meta.dirname, "..", "..", "..")

/** A document as it should be, by its path. */
export const referenceDocuments = (): ReadonlyMap<string, string> => {
  const documents = new Map<string, string>()
  for (const { document, of, settings } of settingsTables) {
    const path = join(root, document)
    const text = documents.get(path) ?? readFileSync(path, "utf8")
    documents.set(path, withSettingsTable(text, describeSettings(settings), of))
  }
  return documents
}
