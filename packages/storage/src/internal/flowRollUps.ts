/**
 * The sums of a tenant's flows by minute and by hour, for dashboards. A trigger keeps them: they change in the transaction
 * that writes the flows, whoever writes them, and so are as exactly once as the rows are (docs/adr/0026).
 */
import type { PgClient } from "@effect/sql-pg"
import { Effect } from "effect"
import { hasTable } from "./hasTable.ts"
import { quoted } from "./quoted.ts"

/** By what flows are summed; each has few values, so that a busy minute has hundreds of sums and not a million. */
const KEYS = "sampler_address, flow_direction, protocol, service, src_country, dst_country"

const ROLL_UPS = [
  { name: "netflow_minutes", unit: "minute" },
  // A year of hours is less than a month of minutes.
  { name: "netflow_hours", unit: "hour" }
] as const

const tableOf = (schema: string, name: string): string => `
  create table if not exists ${quoted(schema)}.${name} (
    bucket timestamptz not null,
    sampler_address text,
    flow_direction text,
    protocol int4,
    service text,
    src_country text,
    dst_country text,
    flows bigint not null,
    -- Sums have no bound: one exporter that sends nonsense must not stop the rest of its minute.
    packets numeric not null,
    octets numeric not null,
    unique nulls not distinct (bucket, ${KEYS})
  ) with (fillfactor = 80)`

const addTo = (schema: string, name: string, unit: string): string => `
  insert into ${quoted(schema)}.${name} as known (bucket, ${KEYS}, flows, packets, octets)
  select date_trunc('${unit}', timestamp, 'UTC') as bucket, ${KEYS}, count(*), sum(packets_scaled), sum(octets_scaled)
  from added group by bucket, ${KEYS}
  -- In one order, so that two who add wait for each other and never both.
  order by bucket, ${KEYS}
  on conflict (bucket, ${KEYS}) do update set flows = known.flows + excluded.flows,
    packets = known.packets + excluded.packets, octets = known.octets + excluded.octets;`

/** What is made with a schema's `netflow_metrics`. */
export const flowRollUps = (schema: string): ReadonlyArray<string> => [
  ...ROLL_UPS.map(({ name }) => tableOf(schema, name)),
  `create or replace function ${quoted(schema)}.roll_up_flows() returns trigger language plpgsql as $roll_up$
  begin ${ROLL_UPS.map(({ name, unit }) => addTo(schema, name, unit)).join("")}
    return null;
  end $roll_up$`,
  `create trigger roll_up after insert on ${quoted(schema)}.netflow_metrics
    referencing new table as added for each statement execute function ${quoted(schema)}.roll_up_flows()`
]

/** Hours stay so many times as long as minutes, which stay as long as records. */
const HOURS_LIFETIMES = 12

/** Deletes expired sums, where the tenant has any, in the tenant's transaction. */
export const expireRollUps = Effect.fnUntraced(function* (
  sql: PgClient.PgClient,
  schema: string,
  expiry: { readonly now: Date; readonly lifetimeMs: number }
) {
  for (const { name, unit } of ROLL_UPS) {
    if (!(yield* hasTable(sql, schema, name))) continue
    const lifetimeMs = expiry.lifetimeMs * (unit === "hour" ? HOURS_LIFETIMES : 1)
    yield* sql`delete from ${sql(schema)}.${sql(name)} where bucket < ${new Date(expiry.now.getTime() - lifetimeMs)}`
  }
})
