/**
 * What every tenant's schema begins with: where its lanes stand, and a table of events without partitions. All the rest
 * is made by whoever needs it first (docs/adr/0030). The statements run as the tenant's own role, which so becomes the
 * owner of everything.
 */
import type { Migration } from "./migrate.ts"
import { quoted } from "./quoted.ts"

/** The version of the first entry. Before it came builds that were never released, whose schemas are not read. */
export const OLDEST_VERSION = 5

/**
 * The migrations of the schema `name`, for the tenant whose id is `tenantId` (a UUID that PostgreSQL gave us). Making a
 * tenant is mostly making relations, so short texts are `varchar`: a table that can hold no long value gets no table and
 * no index for such.
 */
export const tenantMigrations = (name: string, tenantId: string): ReadonlyArray<Migration> => {
  const schema = quoted(name)
  return [
    {
      name: "events and watermarks",
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
          created_at timestamptz not null default now(),
          -- Which message of which lane the row came from.
          lane_id smallint,
          stream_seq bigint
        ) partition by range (time)`,
        // Every question has a time range, and rows arrive almost in its order: a few pages of summary find it. The
        // only list that must be short to read is that of grave events, which are few. No unique key: the watermark
        // keeps rows single, and a key over random ids would cost more than all the rest of an insert.
        `create index ocsf_events_time on ${schema}.ocsf_events using brin (time)
          with (pages_per_range = 32, autosummarize = on)`,
        `create index ocsf_events_grave on ${schema}.ocsf_events (time) where severity_id >= 4`,
        `create table ${schema}.watermarks (
          lane varchar(200) primary key,
          id smallint generated always as identity unique,
          seq bigint not null default 0,
          rows_written bigint not null default 0,
          dead_letters bigint not null default 0,
          -- Up to here the lane's messages have rows that do not say so, or are another lane's: they are not replayed.
          replayable_after bigint not null default 0,
          updated_at timestamptz not null default now()
        ) with (fillfactor = 50)`
      ]
    },
    {
      name: "dead letters of decision rules",
      statements: [
        // Only where there are any: see deadLetterTables.
        `if to_regclass('${schema}.dead_letters') is not null then
          alter table ${schema}.dead_letters
            drop constraint dead_letters_reason_known,
            add constraint dead_letters_reason_known check (reason in (
              'too_large', 'not_utf8', 'malformed_json', 'not_an_object', 'too_deep', 'missing_field', 'invalid_field',
              'unstorable_text', 'unstorable_number', 'invalid_subject', 'refused_by_database', 'rule_invalid',
              'rule_failed', 'rule_exhausted', 'rule_result_unusable', 'rule_input_unusable'
            ));
        end if`
      ]
    },
    {
      name: "enrichment of network activity",
      statements: [
        // Where no row has come yet, the table is made with them.
        `alter table if exists ${schema}.ocsf_network_activity
          add column if not exists sampling_rate bigint,
          add column if not exists src_endpoint_svc_name text,
          add column if not exists dst_endpoint_svc_name text,
          add column if not exists src_endpoint_country text,
          add column if not exists dst_endpoint_country text,
          add column if not exists src_as_name text,
          add column if not exists dst_as_name text`
      ]
    }
  ]
}

export const newestVersion = OLDEST_VERSION + tenantMigrations("", "").length - 1
