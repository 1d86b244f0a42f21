/**
 * Whether the disks of the servers have room for the copies: what an account may have says nothing of them.
 */
import { hasRoom } from "@bulkhead/nats"
import { Effect } from "effect"
import { JetStreamAdmin } from "./internal/JetStreamAdmin.ts"
import type { MigrationPlan } from "./MigrationPlan.ts"
import { diskNeeded } from "./planMigration.ts"

/** Streams without a limit reserve nothing: what they hold is counted here. */
const unreserved = ({ sources }: MigrationPlan): number =>
  sources.filter(({ config }) => !(Number(config.max_bytes) > 0)).reduce((sum, { bytes }) => sum + bytes, 0)

/**
 * Problems, as those of `planMigration`. The server is asked to reserve the bytes for a moment; nothing of it stays.
 *
 * **Fails**: `ServerUnavailable` (retryable), `ServerRefused`.
 *
 * @stability experimental
 */
export const checkRoom = Effect.fn("checkRoom")(function* (plan: MigrationPlan) {
  const admin = yield* JetStreamAdmin
  const bytes = diskNeeded(plan.sources)
  const copies = Math.max(1, ...plan.targets.map(({ config }) => Number(config.num_replicas ?? 1)))
  if (bytes === 0) return []
  const isThere = yield* admin.ask({
    what: `room for ${bytes} bytes`,
    rights: "STREAM.CREATE.* and STREAM.DELETE.*",
    ask: ({ manager }) => hasRoom(manager, bytes + unreserved(plan), copies)
  })
  return isThere
    ? []
    : [
        `the copies need ${bytes} bytes on ${copies === 1 ? "a server" : `each of ${copies} servers`}, and there is no room for them: raise max_file_store, or shorten what the old streams keep`
      ]
})
