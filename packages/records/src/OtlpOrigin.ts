/**
 * Where a record of OTLP comes from: the columns that `logs`, `otel_metrics` and `otel_traces` have in common.
 */
import type { JsonText } from "./OcsfEventRow.ts"
import type { ColumnType } from "./RecordTable.ts"

export interface OtlpOrigin {
  /** `service.name` of the resource; of a JSON log its service, else its host. */
  readonly service_name: string | null
  readonly service_version: string | null
  readonly service_instance: string | null
  readonly scope_name: string | null
  readonly scope_version: string | null
  readonly scope_attributes: JsonText | null
  readonly resource_attributes: JsonText | null
  /** What a resource and a scope rarely have: schema URLs, counts of dropped attributes, references to entities. */
  readonly otlp_details: JsonText | null
}

export const OTLP_ORIGIN_COLUMNS = {
  service_name: "text",
  service_version: "text",
  service_instance: "text",
  scope_name: "text",
  scope_version: "text",
  scope_attributes: "jsonb",
  resource_attributes: "jsonb",
  otlp_details: "jsonb"
} as const satisfies Readonly<Record<keyof OtlpOrigin, ColumnType>>
