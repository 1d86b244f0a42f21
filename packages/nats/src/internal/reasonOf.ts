/**
 * Sorts what the client throws into our reasons.
 */
import { JetStreamApiCodes, JetStreamApiError, JetStreamError } from "@nats-io/jetstream"
import { errors } from "@nats-io/nats-core"
import { NatsError, type NatsReason, NatsUnavailable, RequestRefused, ResourceMissing } from "../NatsError.ts"

const isMissing = (error: unknown): boolean =>
  error instanceof JetStreamApiError &&
  (error.code === JetStreamApiCodes.ConsumerNotFound || error.code === JetStreamApiCodes.StreamNotFound)

/** A pull that was waiting when its consumer or stream was deleted ends with a status, not with an API error. */
const isDeleted = (error: unknown): boolean => error instanceof JetStreamError && /deleted/i.test(error.message)

/** The reason behind an error of the client; `resource` names what was asked for. */
export const reasonOf = (cause: unknown, resource: string): NatsReason => {
  if (isMissing(cause) || isDeleted(cause)) return new ResourceMissing({ resource, cause })
  if (cause instanceof JetStreamApiError && cause.status !== 503) {
    const problem = `${cause.message}, code ${cause.code}`
    return new RequestRefused({ what: resource, problem, nextStep: "change the request, or the account's limits", cause })
  }
  if (cause instanceof errors.PermissionViolationError) {
    const problem = `no right to ${cause.operation} "${cause.subject}"`
    return new RequestRefused({ what: resource, problem, nextStep: "give the user that right", cause })
  }
  // A 503 of the JetStream API among them: it says so while the store recovers.
  const problem = cause instanceof Error ? cause.message || cause.name : String(cause)
  return new NatsUnavailable({ problem: `${resource}: ${problem}`, cause })
}

/** The error of an operation, from an error of the client. */
export const natsError =
  (operation: string, resource: string) =>
  (cause: unknown): NatsError =>
    cause instanceof NatsError ? cause : new NatsError({ operation, reason: reasonOf(cause, resource) })
