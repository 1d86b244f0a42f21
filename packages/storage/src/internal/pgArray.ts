import { PgTypes } from "@effect/sql-pg"
import { Result } from "effect"

/** An array of PostgreSQL whose elements have the type `oid`; throws where one of them is no such value. */
export const pgArray = (values: ReadonlyArray<unknown>, oid: number): PgTypes.Parameter =>
  Result.getOrThrow(PgTypes.array(values, oid))
