/**
 * The table of a tenant's replays, made when the first one is asked for. A migration that changes it does so where it
 * is, and here.
 */
import type { PgClient } from "@effect/sql-pg"
import { makeOnce } from "./makeOnce.ts"
import { quoted } from "./quoted.ts"

export const REPLAYS = "replays"

const statementsOf = (name: string): ReadonlyArray<string> => {
  const schema = quoted(name)
  return [
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
}

/** Makes it unless it is there, in the tenant's transaction. */
export const makeReplaysTable = (sql: PgClient.PgClient, schema: string) =>
  makeOnce(sql, schema, REPLAYS, statementsOf(schema))
