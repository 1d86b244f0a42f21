import type { PgClient } from "@effect/sql-pg"

/**
 * Runs statements without parameters one after the other, in one trip to the server: making a tenant is two dozen of
 * them, and the way there and back costs more than most.
 */
export const inOneTrip = (sql: PgClient.PgClient, statements: ReadonlyArray<string>) =>
  sql.unsafe(`do $in_one_trip$ begin ${statements.map((statement) => `${statement};`).join("\n")} end $in_one_trip$`)
    .unprepared
