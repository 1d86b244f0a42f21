/**
 * Reads the driver's errors: which SQLSTATE, whether a retry can help, and whether one row is to blame.
 */
import { Cause, Effect } from "effect"
import { isSqlError, type SqlError } from "effect/sql/SqlError"
import { DatabaseUnavailable, StatementRefused, StorageError, type StorageReason } from "../StorageError.ts"

/** PostgreSQL's code for the failure; undefined where the server never answered. */
export const sqlStateOf = (error: SqlError): string | undefined => {
  const cause = error.reason.cause
  return typeof cause === "object" && cause !== null && "code" in cause && /^[0-9A-Z]{5}$/.test(String(cause.code))
    ? String(cause.code)
    : undefined
}

const textOf = (error: SqlError): string => {
  const cause = error.reason.cause
  return cause instanceof Error && cause.message !== "" ? cause.message : error.message
}

// 40 rollback, 53 resources, 55P03 lock timeout, 57 operator intervention (shutdown, start-up, cancel),
// 58 input/output, 25P03 and 25P04 a transaction that the server ended.
const RETRYABLE_STATE = /^(08|40|53|55P03|57|58|25P0[34])/

export const isUnavailable = (error: SqlError): boolean => {
  const state = sqlStateOf(error)
  return state === undefined ? error.isRetryable : RETRYABLE_STATE.test(state)
}

// 22 data exception, 23 integrity constraint, 54 a limit of the server, such as the size of a jsonb value.
const ROW_STATE = /^(22|23|54)/

const CHECK_VIOLATION = "23514"

/** A row without a partition to go to counts as a violated check too, but no constraint is named: the table is to blame. */
const isPartitionMissing = (state: string, error: SqlError): boolean => {
  const { cause } = error.reason
  return state === CHECK_VIOLATION && typeof cause === "object" && cause !== null && !("constraint" in cause)
}

/** True where a value of a row is to blame: PostgreSQL refused it, or the driver could not encode it. */
export const isRowRefused = (error: SqlError): boolean => {
  const state = sqlStateOf(error)
  if (state !== undefined) return ROW_STATE.test(state) && !isPartitionMissing(state, error)
  const cause = error.reason.cause
  return typeof cause === "object" && cause !== null && "_tag" in cause && cause._tag === "PgTypesCodecError"
}

/** What PostgreSQL said about a refused row, for the dead letter. */
export const refusalText = (error: SqlError): string => `${sqlStateOf(error) ?? "not encodable"}: ${textOf(error)}`

const reasonOf = (error: SqlError): StorageReason =>
  isUnavailable(error)
    ? new DatabaseUnavailable({ problem: textOf(error), cause: error })
    : new StatementRefused({ sqlState: sqlStateOf(error), problem: textOf(error), cause: error })

/** The failure of an operation whose only special case is the driver's. */
export const failed = (operation: string, reason: StorageReason): StorageError =>
  new StorageError({ operation, reason })

/**
 * Turns the driver's errors into ours. It also finds the one the driver hides: when the connection breaks inside a
 * transaction, its rollback fails too, and `withTransaction` reports that as a defect.
 */
export const asStorageError =
  (operation: string, special: (error: SqlError) => StorageReason | undefined = () => undefined) =>
  <A, E, R>(effect: Effect.Effect<A, E | SqlError, R>): Effect.Effect<A, Exclude<E, SqlError> | StorageError, R> =>
    Effect.catchCause(effect, (cause): Effect.Effect<never, Exclude<E, SqlError> | StorageError> => {
      for (const reason of cause.reasons) {
        const error = Cause.isFailReason(reason) ? reason.error : Cause.isDieReason(reason) ? reason.defect : undefined
        if (isSqlError(error)) return Effect.fail(failed(operation, special(error) ?? reasonOf(error)))
      }
      return Effect.failCause(cause as Cause.Cause<Exclude<E, SqlError>>)
    })
