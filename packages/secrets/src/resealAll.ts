/**
 * Rotation of the keys that seal secrets in PostgreSQL: every row comes under the first key, while readers and writers
 * go on. It may be stopped anywhere, repeated, and run twice at a time.
 */
import type { Database } from "@bulkhead/storage"
import { Effect } from "effect"
import { failedIn } from "./internal/failedIn.ts"
import { parseSealingKeys, type SealingKeys } from "./internal/SealingKeys.ts"
import { seal, unseal } from "./internal/seal.ts"
import { openSealedSecrets, SECRETS_SCHEMA, type SealedSecret, type SealedSecrets } from "./internal/sealedSecrets.ts"
import type { PostgresOptions } from "./PostgresOptions.ts"
import { type SecretError, SecretUnreadable } from "./SecretError.ts"

export interface ResealOptions extends PostgresOptions {
  /** Rows read at a time. Default 100. */
  readonly batchRowsMax?: number
}

/** What a rotation did, and what stands in the table after it. */
export interface ResealReport {
  /** The key that seals. */
  readonly firstKeyId: string
  /** Rows that this run brought under it. */
  readonly resealed: number
  /** Rows under other keys. */
  readonly left: number
  /** Keys that seal nothing any more. */
  readonly removableKeyIds: ReadonlyArray<string>
  /** The first 100 rows that do not open. */
  readonly unreadable: ReadonlyArray<SecretUnreadable>
}

const UNREADABLE_TOLD_MAX = 100

/**
 * Brings every secret under the first key.
 *
 * **Fails**: `SecretError`, reason `SecretStoreUnavailable` (run it again), `SecretStoreRefused` or
 * `SecretStoreMisconfigured`. A row that does not open is no failure: it stays as it is, and the report names it.
 */
export const resealAll = (options: ResealOptions): Effect.Effect<ResealReport, SecretError, Database> =>
  Effect.gen(function* () {
    const keys = yield* parseSealingKeys(options.keys)
    const rows = yield* openSealedSecrets(options.schema ?? SECRETS_SCHEMA)
    const done = yield* resealRows(rows, keys, options.batchRowsMax ?? 100)
    const counts = yield* rows.countByKey
    const inUse = new Set(counts.map((count) => count.keyId))
    const others = counts.filter((count) => count.keyId !== keys.first.id)
    return {
      firstKeyId: keys.first.id,
      ...done,
      left: others.reduce((sum, count) => sum + count.rows, 0),
      removableKeyIds: [...keys.byId.keys()].filter((id) => id !== keys.first.id && !inUse.has(id))
    }
  }).pipe(failedIn("resealAll"), Effect.withSpan("resealAll"))

const resealRows = Effect.fnUntraced(function* (rows: SealedSecrets, keys: SealingKeys, batchRowsMax: number) {
  const unreadable: Array<SecretUnreadable> = []
  let resealed = 0
  let after = { owner: "", purpose: "" }
  for (;;) {
    const batch = yield* rows.notUnder(keys.first.id, after, batchRowsMax)
    for (const row of batch) {
      const outcome = yield* resealRow(rows, keys, row)
      if (outcome === "resealed") resealed += 1
      else if (outcome !== "changed" && unreadable.length < UNREADABLE_TOLD_MAX) unreadable.push(outcome)
    }
    const last = batch.at(-1)
    if (last === undefined) return { resealed, unreadable }
    after = last
  }
})

/** A row that somebody changed meanwhile is left to them: they sealed it anew, or removed it. */
const resealRow = Effect.fnUntraced(function* (rows: SealedSecrets, keys: SealingKeys, row: SealedSecret) {
  const name = { owner: row.owner, purpose: row.purpose }
  const value = unseal(name, row, keys)
  if (value instanceof SecretUnreadable) return value
  const exchanged = yield* rows.exchange(name, row, seal(name, value, keys.first))
  return exchanged.length === 1 ? "resealed" : "changed"
})
