import { type PgClient, PgTypes } from "@effect/sql-pg"
import { Effect } from "effect"
import type { DeadLetter } from "../DeadLetter.ts"
import { makeDeadLetterTables } from "./deadLetterTables.ts"
import { pgArray } from "./pgArray.ts"
import { storable } from "./storable.ts"

const { OID } = PgTypes

const storableHeaders = (headers: DeadLetter["headers"]): string =>
  JSON.stringify(Object.fromEntries(Object.entries(headers).map(([name, value]) => [storable(name), storable(value)])))

/** Keeps dead letters in the tenant's schema, payload byte for byte. */
export const insertDeadLetters = (
  sql: PgClient.PgClient,
  schema: string,
  lane: string,
  letters: ReadonlyArray<DeadLetter>
) =>
  Effect.andThen(
    makeDeadLetterTables(sql, schema),
    sql`
  insert into ${sql(schema)}.dead_letters
    (lane, sequence, subject, headers, payload, reason, detail, received_at)
  select ${lane}, sequence, subject, headers::jsonb, payload, reason, detail, received_at from unnest(
    ${pgArray(
      letters.map((letter) => BigInt(letter.sequence)),
      OID.int8
    )},
    ${pgArray(
      letters.map((letter) => storable(letter.subject)),
      OID.text
    )},
    ${pgArray(
      letters.map((letter) => storableHeaders(letter.headers)),
      OID.text
    )},
    ${pgArray(
      letters.map((letter) => letter.payload),
      OID.bytea
    )},
    ${pgArray(
      letters.map((letter) => letter.reason),
      OID.text
    )},
    ${pgArray(
      letters.map((letter) => storable(letter.detail)),
      OID.text
    )},
    ${pgArray(
      letters.map((letter) => letter.receivedAt),
      OID.timestamptz
    )}
  ) as letter (sequence, subject, headers, payload, reason, detail, received_at)`
  )
