/**
 * The role of logins that write tenants' lanes and do nothing else. An installation makes it where it has such a writer;
 * each tenant's role is then given to it, to be taken for a transaction.
 */
export const LANE_WRITERS = "bulkhead_lane_writers"

/** Statements for where the role exists. */
export const ifLaneWriters = (statements: ReadonlyArray<string>): string =>
  `if exists (select from pg_roles where rolname = '${LANE_WRITERS}') then
     ${statements.join(";\n")};
   end if`
