/**
 * The schema of one tenant. Its statements run as the tenant's own role, which so becomes the owner of everything.
 */
import type { Migration } from "./migrate.ts"
import { quoted } from "./quoted.ts"

/** The migrations of the schema `name`, for the tenant whose id is `tenantId` (a UUID that PostgreSQL gave us). */
export const tenantMigrations = (name: string, tenantId: string): ReadonlyArray<Migration> => {
  const schema = quoted(name)
  return [
    {
      name: "ocsf_events, watermarks and dead letters",
      statements: [
        `create table ${schema}.ocsf_events (
          id uuid not null,
          time timestamptz not null,
          class_uid integer not null,
          category_uid integer not null,
          type_uid integer not null,
          activity_id integer not null,
          activity_name text,
          severity_id integer not null default 1,
          severity text,
          message text,
          status_id integer,
          status text,
          status_code text,
          status_detail text,
          metadata jsonb,
          observables jsonb,
          trace_id text,
          span_id text,
          actor jsonb,
          device jsonb,
          src_endpoint jsonb,
          dst_endpoint jsonb,
          log_name text,
          log_provider text,
          log_level text,
          log_version text,
          unmapped jsonb,
          raw_data text,
          tenant_id uuid not null default '${tenantId}',
          created_at timestamptz not null default now()
        ) partition by range (time)`,
        // Every question has a time range, and rows arrive almost in its order: a few pages of summary find it. The
        // only list that must be short to read is that of grave events, which are few. No unique key: the watermark
        // keeps rows single, and a key over random ids would cost more than all the rest of an insert.
        `create index ocsf_events_time on ${schema}.ocsf_events using brin (time)
          with (pages_per_range = 32, autosummarize = on)`,
        `create index ocsf_events_grave on ${schema}.ocsf_events (time) where severity_id >= 4`,
        // Takes what no monthly partition covers, so that an odd time never stops a lane.
        `create table ${schema}.ocsf_events_default partition of ${schema}.ocsf_events default`,
        `create table ${schema}.watermarks (
          lane text primary key,
          seq bigint not null default 0,
          rows_written bigint not null default 0,
          dead_letters bigint not null default 0,
          updated_at timestamptz not null default now()
        ) with (fillfactor = 50)`,
        `create table ${schema}.dead_letters (
          id bigint generated always as identity primary key,
          lane text not null,
          sequence bigint not null,
          subject text not null,
          headers jsonb not null,
          payload bytea not null,
          reason text not null,
          detail text not null,
          received_at timestamptz not null,
          created_at timestamptz not null default now()
        )`
      ]
    },
    {
      name: "which message a row came from",
      statements: [
        `alter table ${schema}.watermarks add column id smallint generated always as identity unique`,
        // Null in rows that are older than the columns.
        `alter table ${schema}.ocsf_events add column lane_id smallint, add column stream_seq bigint`
      ]
    }
  ]
}
