/**
 * Writes events in one statement of one array per column, so that it is one plan and one round trip for any number of
 * rows.
 */
import type { OcsfEventRow } from "@bulkhead/records"
import { type PgClient, PgTypes } from "@effect/sql-pg"
import { Result } from "effect"
import { quoted } from "./quoted.ts"

const { OID } = PgTypes

/** Each column, and the type its array travels as. */
const COLUMNS: ReadonlyArray<readonly [name: keyof OcsfEventRow, oid: number, cast?: "jsonb"]> = [
  ["id", OID.uuid],
  ["time", OID.timestamptz],
  ["class_uid", OID.int4],
  ["category_uid", OID.int4],
  ["type_uid", OID.int4],
  ["activity_id", OID.int4],
  ["activity_name", OID.text],
  ["severity_id", OID.int4],
  ["severity", OID.text],
  ["message", OID.text],
  ["status_id", OID.int4],
  ["status", OID.text],
  ["status_code", OID.text],
  ["status_detail", OID.text],
  ["metadata", OID.text, "jsonb"],
  ["observables", OID.text, "jsonb"],
  ["trace_id", OID.text],
  ["span_id", OID.text],
  ["actor", OID.text, "jsonb"],
  ["device", OID.text, "jsonb"],
  ["src_endpoint", OID.text, "jsonb"],
  ["dst_endpoint", OID.text, "jsonb"],
  ["log_name", OID.text],
  ["log_provider", OID.text],
  ["log_level", OID.text],
  ["log_version", OID.text],
  ["unmapped", OID.text, "jsonb"],
  ["raw_data", OID.text]
]

const names = COLUMNS.map(([name]) => name).join(", ")
const values = COLUMNS.map(([name, , cast]) => (cast === undefined ? name : `${name}::${cast}`)).join(", ")
const parameters = COLUMNS.map((_, index) => `$${index + 1}`).join(", ")

/** The rows as arrays, one per column, typed for PostgreSQL. */
export const eventArrays = (events: ReadonlyArray<OcsfEventRow>): ReadonlyArray<PgTypes.Parameter> =>
  COLUMNS.map(([name, oid]) =>
    Result.getOrThrow(
      PgTypes.array(
        events.map((event) => event[name]),
        oid
      )
    )
  )

/** Inserts into `ocsf_events` of `schema`; the table adds `tenant_id` and `created_at`. */
export const insertEvents = (sql: PgClient.PgClient, schema: string, events: ReadonlyArray<OcsfEventRow>) =>
  sql.unsafe(
    `insert into ${quoted(schema)}.ocsf_events (${names}) select ${values} from unnest(${parameters}) as event (${names})`,
    eventArrays(events)
  )
