import { type PgClient, PgTypes } from "@effect/sql-pg"
import { Result } from "effect"
import type { DeadLetter } from "../DeadLetter.ts"

const { OID } = PgTypes

const array = (values: ReadonlyArray<unknown>, oid: number) => Result.getOrThrow(PgTypes.array(values, oid))

/** The text with what PostgreSQL cannot store replaced: a dead letter has nowhere else to go. */
const storable = (text: string): string => text.toWellFormed().replaceAll("\u0000", "\ufffd")

const storableHeaders = (headers: DeadLetter["headers"]): string =>
  JSON.stringify(Object.fromEntries(Object.entries(headers).map(([name, value]) => [storable(name), storable(value)])))

/** Keeps dead letters in the tenant's schema, payload byte for byte. */
export const insertDeadLetters = (
  sql: PgClient.PgClient,
  schema: string,
  lane: string,
  letters: ReadonlyArray<DeadLetter>
) => sql`
  insert into ${sql(schema)}.dead_letters
    (lane, sequence, subject, headers, payload, reason, detail, received_at)
  select ${lane}, sequence, subject, headers::jsonb, payload, reason, detail, received_at from unnest(
    ${array(
      letters.map((letter) => BigInt(letter.sequence)),
      OID.int8
    )},
    ${array(
      letters.map((letter) => storable(letter.subject)),
      OID.text
    )},
    ${array(
      letters.map((letter) => storableHeaders(letter.headers)),
      OID.text
    )},
    ${array(
      letters.map((letter) => letter.payload),
      OID.bytea
    )},
    ${array(
      letters.map((letter) => letter.reason),
      OID.text
    )},
    ${array(
      letters.map((letter) => storable(letter.detail)),
      OID.text
    )},
    ${array(
      letters.map((letter) => letter.receivedAt),
      OID.timestamptz
    )}
  ) as letter (sequence, subject, headers, payload, reason, detail, received_at)`
