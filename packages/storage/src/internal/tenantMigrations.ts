/**
 * The schema of one tenant. Its statements run as the tenant's own role, which so becomes the owner of everything.
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
      name: "events, watermarks, dead letters and replays",
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
        // Takes what no monthly partition covers, so that an odd time never stops a lane.
        `create table ${schema}.ocsf_events_default partition of ${schema}.ocsf_events default`,
        `create table ${schema}.watermarks (
          lane varchar(200) primary key,
          id smallint generated always as identity unique,
          seq bigint not null default 0,
          rows_written bigint not null default 0,
          dead_letters bigint not null default 0,
          -- Up to here the lane's messages have rows that do not say so, or are another lane's: they are not replayed.
          replayable_after bigint not null default 0,
          updated_at timestamptz not null default now()
        ) with (fillfactor = 50)`,
        `create table ${schema}.dead_letters (
          id bigint generated always as identity primary key,
          lane text not null,
          sequence bigint not null,
          subject text not null,
          headers jsonb not null,
          payload bytea not null,
          -- The closed list, as it was. A reason that is added gets a migration; a test compares the two.
          reason text not null constraint dead_letters_reason_known check (reason in (
            'too_large', 'not_utf8', 'malformed_json', 'not_an_object', 'too_deep', 'missing_field', 'invalid_field',
            'unstorable_text', 'unstorable_number', 'invalid_subject', 'refused_by_database'
          )),
          detail text not null,
          received_at timestamptz not null,
          created_at timestamptz not null default now(),
          attempts integer not null default 0,
          attempted_at timestamptz
        )`,
        `create index dead_letters_by_reason on ${schema}.dead_letters (reason, id)`,
        // How many there are is asked for all the time, and must not cost a look at them.
        `create table ${schema}.dead_letter_counts (
          reason varchar(100) primary key,
          letters bigint not null
        ) with (fillfactor = 50)`,
        `create function ${schema}.count_dead_letters() returns trigger language plpgsql as $count$
        begin
          -- In the order of reasons, so that two who count wait for each other and never both.
          if tg_op <> 'DELETE' then
            insert into ${schema}.dead_letter_counts as known (reason, letters)
            select reason, count(*) from added group by reason order by reason
            on conflict (reason) do update set letters = known.letters + excluded.letters;
          end if;
          if tg_op <> 'INSERT' then
            insert into ${schema}.dead_letter_counts as known (reason, letters)
            select reason, -count(*) from removed group by reason order by reason
            on conflict (reason) do update set letters = known.letters + excluded.letters;
          end if;
          return null;
        end $count$`,
        `create trigger count_added after insert on ${schema}.dead_letters
          referencing new table as added for each statement execute function ${schema}.count_dead_letters()`,
        `create trigger count_removed after delete on ${schema}.dead_letters
          referencing old table as removed for each statement execute function ${schema}.count_dead_letters()`,
        `create trigger count_changed after update on ${schema}.dead_letters
          referencing old table as removed new table as added
          for each statement execute function ${schema}.count_dead_letters()`,
        `create table ${schema}.replays (
          id bigint generated always as identity primary key,
          lane text not null,
          from_seq bigint not null,
          status text not null default 'requested'
            check (status in ('requested', 'copying', 'running', 'done', 'cancelled', 'failed')),
          requested_at timestamptz not null default now(),
          started_at timestamptz,
          finished_at timestamptz,
          -- Rows of earlier times that the replay leaves as they are have been copied.
          copied_to timestamptz,
          rows_copied bigint not null default 0,
          lane_rows_copied bigint not null default 0,
          -- As they were at the end.
          watermark bigint,
          rows_written bigint,
          dead_letters bigint,
          error text,
          check ((finished_at is null) = (status in ('requested', 'copying', 'running')))
        )`,
        `create unique index replays_one_at_a_time on ${schema}.replays ((true)) where finished_at is null`
      ]
    },
    {
      name: "dead letters of decision rules",
      statements: [
        `alter table ${schema}.dead_letters
          drop constraint dead_letters_reason_known,
          add constraint dead_letters_reason_known check (reason in (
            'too_large', 'not_utf8', 'malformed_json', 'not_an_object', 'too_deep', 'missing_field', 'invalid_field',
            'unstorable_text', 'unstorable_number', 'invalid_subject', 'refused_by_database', 'rule_invalid',
            'rule_failed', 'rule_exhausted', 'rule_result_unusable', 'rule_input_unusable'
          ))`
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
