/**
 * The tables of dead letters, which a tenant gets with its first one: most never have any. A migration that changes them
 * does so where they are, and here.
 */
import type { PgClient } from "@effect/sql-pg"
import { makeOnce } from "./makeOnce.ts"
import { quoted } from "./quoted.ts"

export const DEAD_LETTERS = "dead_letters"

const statementsOf = (name: string): ReadonlyArray<string> => {
  const schema = quoted(name)
  return [
    `create table ${schema}.dead_letters (
      id bigint generated always as identity primary key,
      lane text not null,
      sequence bigint not null,
      subject text not null,
      headers jsonb not null,
      payload bytea not null,
      -- The closed list. A reason that is added gets a migration; a test compares the two.
      reason text not null constraint dead_letters_reason_known check (reason in (
        'too_large', 'not_utf8', 'malformed_json', 'not_an_object', 'too_deep', 'missing_field', 'invalid_field',
        'unstorable_text', 'unstorable_number', 'invalid_subject', 'refused_by_database', 'rule_invalid',
        'rule_failed', 'rule_exhausted', 'rule_result_unusable', 'rule_input_unusable'
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
      for each statement execute function ${schema}.count_dead_letters()`
  ]
}

/** Makes them unless they are there, in the tenant's transaction. */
export const makeDeadLetterTables = (sql: PgClient.PgClient, schema: string) =>
  makeOnce(sql, schema, DEAD_LETTERS, statementsOf(schema))
