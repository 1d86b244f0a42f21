/**
 * Tells whether two comparisons come to the same: what would be done, to which values, and at which risk. Figures of a
 * server in use, such as messages that wait, change from look to look and are not in it.
 */
import { createHash } from "node:crypto"
import type { StreamDiff } from "./StreamChange.ts"

/** 64 hexadecimal digits. */
export const fingerprint = ({ changes }: Pick<StreamDiff, "changes">): string => {
  const outline = changes.map((change) => ({ ...change, risks: change.risks.map(({ risk }) => risk) }))
  return createHash("sha256").update(JSON.stringify(outline)).digest("hex")
}
