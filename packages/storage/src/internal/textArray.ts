import { PgTypes } from "@effect/sql-pg"
import { Result } from "effect"

/** A parameter of type `text[]`; the driver cannot tell the type of an empty list by itself. */
export const textArray = (values: ReadonlyArray<string>) => Result.getOrThrow(PgTypes.array(values, PgTypes.OID.text))
