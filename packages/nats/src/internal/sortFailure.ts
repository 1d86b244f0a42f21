/**
 * Sorts what the client throws when a request to JetStream fails.
 */
import { JetStreamApiCodes, JetStreamApiError } from "@nats-io/jetstream"
import { errors } from "@nats-io/nats-core"

export interface RequestFailure {
  /**
   * `stream_missing`, `consumer_missing`: it does not exist. `consumer_exists`: it was to be new. `filters_overlap`: the
   * server takes no such filters of one consumer. `forbidden`: the user may not. `refused`: the server understood and says no. `unavailable`: no answer, or not now.
   */
  readonly kind:
    | "stream_missing"
    | "consumer_missing"
    | "consumer_exists"
    | "filters_overlap"
    | "forbidden"
    | "refused"
    | "unavailable"
  /** For people, without credentials. */
  readonly problem: string
}

/** Error codes of JetStream that the client has no names for. */
const CONSUMER_ALREADY_EXISTS = 10_148
const CONSUMER_FILTERS_OVERLAP = 10_138

/** JetStream says so while it starts or elects a leader. */
const UNAVAILABLE_STATUS = 503

/** The client wraps what went wrong with a request. */
const unwrap = (cause: unknown): unknown =>
  cause instanceof errors.RequestError && cause.cause !== undefined ? cause.cause : cause

const kindOfApiError = (error: JetStreamApiError): RequestFailure["kind"] => {
  if (error.code === JetStreamApiCodes.StreamNotFound) return "stream_missing"
  if (error.code === JetStreamApiCodes.ConsumerNotFound) return "consumer_missing"
  if (error.code === CONSUMER_ALREADY_EXISTS) return "consumer_exists"
  if (error.code === CONSUMER_FILTERS_OVERLAP) return "filters_overlap"
  return error.status === UNAVAILABLE_STATUS ? "unavailable" : "refused"
}

export const sortFailure = (thrown: unknown): RequestFailure => {
  const cause = unwrap(thrown)
  if (cause instanceof JetStreamApiError) {
    return { kind: kindOfApiError(cause), problem: `${cause.message}, error ${cause.code}` }
  }
  if (cause instanceof errors.PermissionViolationError) {
    return { kind: "forbidden", problem: `the user may not ${cause.operation} to "${cause.subject}"` }
  }
  if (cause instanceof errors.NoRespondersError) {
    return { kind: "unavailable", problem: "JetStream does not answer: it is off for this account, or starting" }
  }
  return { kind: "unavailable", problem: cause instanceof Error ? cause.message || cause.name : String(cause) }
}
