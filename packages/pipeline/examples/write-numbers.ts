/**
 * A writer of a kind of record of its own: a table, a decoder, a lane. Needs `Nats`, `LaneStore` and `TenantStats`. The
 * table `readings` is made in the tenant's schema when its first row comes.
 */
import { patternsForTenant, type TenantSlug } from "@bulkhead/channels"
import { ensureStream, planTenantStream } from "@bulkhead/nats"
import { type LaneProgress, runLane } from "@bulkhead/pipeline"
import { DecodeError, type Decoder, recordTable } from "@bulkhead/records"
import { TenantStats } from "@bulkhead/storage"
import { Effect } from "effect"

interface Reading {
  readonly time: Date
  readonly value: number
}

const readings = recordTable<Reading>({
  name: "readings",
  columns: { time: "timestamptz", value: "float8" },
  timeColumn: "time"
})

const decodeReading: Decoder = (message, rows) => {
  const value = Number(new TextDecoder().decode(message.data))
  if (!Number.isFinite(value)) return new DecodeError("invalid_field", "$", "the payload is no number: send one")
  rows.add(readings, { time: message.timestamp, value })
  return undefined
}

/** Runs until it fails or is interrupted; run it again then. */
export const writeReadings = Effect.fn("writeReadings")(function* (tenant: TenantSlug, progress: LaneProgress) {
  const present = yield* (yield* TenantStats).lanes(tenant)
  const settings = { maxBytes: 1_000_000_000, maxAgeMs: 86_400_000 }
  const planned = planTenantStream({ tenant, mode: "prefixed", settings })
  if (planned === undefined) return yield* Effect.never
  return yield* runLane({
    tenant,
    source: { ...(yield* ensureStream(planned)), mode: "prefixed" },
    durable: "readings-writer",
    filterSubjects: patternsForTenant(tenant, "telemetry.>", "prefixed"),
    decode: decodeReading,
    limits: { rowsMax: 2_000, bytesMax: 8_000_000, ageMs: 50 },
    present,
    progress,
    onCommit: ({ rows, deadLetters }) => Effect.logDebug("written", { rows, deadLetters: deadLetters.length })
  })
})
