/**
 * Writes the parts of documents that are made from code: a part of `npm run generate`.
 */
import { writeFileSync } from "node:fs"
import { referenceDocuments } from "../src/reference/documents.ts"

for (const [path, text] of referenceDocuments()) writeFileSync(path, text)
