/**
 * One row of `ocsf_events`, as the decoder gives it and the storage writes it: plain values that PostgreSQL takes as
 * they are. `tenant_id` and `created_at` are not here, because the table of a tenant knows them itself.
 */

/** JSON text, ready for a `jsonb` column. */
export type JsonText = string

/**
 * An OCSF event. Integers are 32-bit; texts hold neither NUL nor half a surrogate pair; the `JsonText` columns keep
 * JSON text, so that storage copies it without a second pass.
 */
export interface OcsfEventRow {
  /** A lower-case UUID. */
  readonly id: string
  /** When it happened, to the millisecond, from 1970 to 9999. */
  readonly time: Date
  readonly class_uid: number
  readonly category_uid: number
  readonly type_uid: number
  readonly activity_id: number
  readonly activity_name: string | null
  readonly severity_id: number
  readonly severity: string | null
  readonly message: string | null
  readonly status_id: number | null
  readonly status: string | null
  readonly status_code: string | null
  readonly status_detail: string | null
  readonly metadata: JsonText | null
  readonly observables: JsonText | null
  readonly trace_id: string | null
  readonly span_id: string | null
  readonly actor: JsonText | null
  readonly device: JsonText | null
  readonly src_endpoint: JsonText | null
  readonly dst_endpoint: JsonText | null
  readonly log_name: string | null
  readonly log_provider: string | null
  readonly log_level: string | null
  readonly log_version: string | null
  readonly unmapped: JsonText | null
  /** The publisher's original text, or else the whole payload. */
  readonly raw_data: string
}
