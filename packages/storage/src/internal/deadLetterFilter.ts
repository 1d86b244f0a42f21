import type { PgClient } from "@effect/sql-pg"
import { PgTypes } from "@effect/sql-pg"
import type { DeadLetterFilter } from "../DeadLetter.ts"

const TOKENS: Readonly<Record<string, string>> = { "*": "[^.]+", ">": ".+" }

/** A subject pattern of NATS as a regular expression of PostgreSQL. */
const subjectExpression = (pattern: string): string =>
  `^${pattern
    .split(".")
    .map((token) => TOKENS[token] ?? token.replaceAll(/[^A-Za-z0-9_-]/g, (character) => `\\${character}`))
    .join("\\.")}$`

/** What a letter must satisfy; everything satisfies an empty filter. */
export const matches = (sql: PgClient.PgClient, filter: DeadLetterFilter) =>
  sql.and([
    ...(filter.reason === undefined ? [] : [sql`reason = ${filter.reason}`]),
    ...(filter.subject === undefined ? [] : [sql`subject ~ ${subjectExpression(filter.subject)}`]),
    ...(filter.lane === undefined ? [] : [sql`lane = ${filter.lane}`]),
    ...(filter.since === undefined ? [] : [sql`received_at >= ${PgTypes.timestamptz(filter.since)}`]),
    ...(filter.until === undefined ? [] : [sql`received_at < ${PgTypes.timestamptz(filter.until)}`])
  ])
