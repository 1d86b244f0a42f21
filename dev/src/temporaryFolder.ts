import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { removePostgresFolder } from "@bulkhead/devstack"
import { Effect } from "effect"

/** A folder for a platform that is forgotten with the scope. */
export const temporaryFolder = (name: string) =>
  Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), `bulkhead-${name}-`))),
    (folder) =>
      Effect.sync(() => {
        removePostgresFolder(join(folder, "postgres"))
        rmSync(folder, { recursive: true, force: true })
      })
  )
