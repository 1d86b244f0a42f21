/**
 * What the API answers when it cannot do what was asked: RFC 9457 problems (`application/problem+json`), each with a
 * `detail` that names the value, the limit where there is one, and the next step.
 */
import { Schema } from "effect"
import { HttpApiError } from "effect/http-api"

export class UnauthorizedProblem extends HttpApiError.Problem<UnauthorizedProblem>()("UnauthorizedProblem", {
  type: "urn:bulkhead:problem:unauthorized",
  status: 401,
  title: "Unauthorized"
}) {}

export class TenantUnknownProblem extends HttpApiError.Problem<TenantUnknownProblem>()(
  "TenantUnknownProblem",
  { type: "urn:bulkhead:problem:tenant-unknown", status: 404, title: "Unknown tenant" },
  { slug: Schema.String }
) {}

export class TenantExistsProblem extends HttpApiError.Problem<TenantExistsProblem>()(
  "TenantExistsProblem",
  { type: "urn:bulkhead:problem:tenant-exists", status: 409, title: "Tenant exists" },
  { slug: Schema.String }
) {}

/** What was asked cannot be done with this tenant as it is. */
export class RefusedProblem extends HttpApiError.Problem<RefusedProblem>()("RefusedProblem", {
  type: "urn:bulkhead:problem:refused",
  status: 409,
  title: "Refused"
}) {}

/** The server was not made as planned: something stands in the way, or would be lost. */
export class ChangesRefusedProblem extends HttpApiError.Problem<ChangesRefusedProblem>()(
  "ChangesRefusedProblem",
  { type: "urn:bulkhead:problem:changes-refused", status: 409, title: "Changes refused" },
  { problems: Schema.Array(Schema.String), nextStep: Schema.String }
) {}

/** A limit that this installation cannot give. */
export class LimitRefusedProblem extends HttpApiError.Problem<LimitRefusedProblem>()("LimitRefusedProblem", {
  type: "urn:bulkhead:problem:limit-refused",
  status: 422,
  title: "Limit refused"
}) {}

export class FlagUnknownProblem extends HttpApiError.Problem<FlagUnknownProblem>()("FlagUnknownProblem", {
  type: "urn:bulkhead:problem:flag-unknown",
  status: 404,
  title: "Unknown flag"
}) {}

/** A text that is no value of its flag, or a share that is none. */
export class FlagValueProblem extends HttpApiError.Problem<FlagValueProblem>()("FlagValueProblem", {
  type: "urn:bulkhead:problem:flag-value",
  status: 422,
  title: "Flag value refused"
}) {}

export class CredentialUnknownProblem extends HttpApiError.Problem<CredentialUnknownProblem>()(
  "CredentialUnknownProblem",
  { type: "urn:bulkhead:problem:credential-unknown", status: 404, title: "Unknown credential" }
) {}

export class DeadLetterUnknownProblem extends HttpApiError.Problem<DeadLetterUnknownProblem>()(
  "DeadLetterUnknownProblem",
  { type: "urn:bulkhead:problem:dead-letter-unknown", status: 404, title: "Unknown dead letter" }
) {}

export class ReplayUnknownProblem extends HttpApiError.Problem<ReplayUnknownProblem>()("ReplayUnknownProblem", {
  type: "urn:bulkhead:problem:replay-unknown",
  status: 404,
  title: "Unknown replay"
}) {}

/** A rule, a group or a revision that the tenant does not have. */
export class RuleUnknownProblem extends HttpApiError.Problem<RuleUnknownProblem>()("RuleUnknownProblem", {
  type: "urn:bulkhead:problem:rule-unknown",
  status: 404,
  title: "Unknown rule"
}) {}

/** A rule that no engine can read, or a group of subjects that nothing comes on. */
export class RuleRefusedProblem extends HttpApiError.Problem<RuleRefusedProblem>()("RuleRefusedProblem", {
  type: "urn:bulkhead:problem:rule-refused",
  status: 422,
  title: "Rule refused"
}) {}

/** The stream does not hold, or the lane has not written, what was asked for. */
export class OutOfReachProblem extends HttpApiError.Problem<OutOfReachProblem>()(
  "OutOfReachProblem",
  { type: "urn:bulkhead:problem:out-of-reach", status: 409, title: "Out of reach" },
  { first: Schema.Int, last: Schema.Int }
) {}

/** What was asked destroys something, and was not confirmed in so many words. */
export class ConfirmationProblem extends HttpApiError.Problem<ConfirmationProblem>()(
  "ConfirmationProblem",
  { type: "urn:bulkhead:problem:confirmation", status: 409, title: "Confirmation needed" },
  { letters: Schema.Int, confirm: Schema.String }
) {}

/** A server we depend on is away. Nothing was changed; the same request may be sent again. */
export class UnavailableProblem extends HttpApiError.Problem<UnavailableProblem>()(
  "UnavailableProblem",
  { type: "urn:bulkhead:problem:unavailable", status: 503, title: "Dependency unavailable" },
  { dependency: Schema.Literals(["postgresql", "nats", "account-signer"]) }
) {}

export class BodyTooLargeProblem extends HttpApiError.Problem<BodyTooLargeProblem>()(
  "BodyTooLargeProblem",
  { type: "urn:bulkhead:problem:body-too-large", status: 413, title: "Request body too large" },
  { bytesMax: Schema.Int }
) {}

export class RouteUnknownProblem extends HttpApiError.Problem<RouteUnknownProblem>()("RouteUnknownProblem", {
  type: "urn:bulkhead:problem:route-unknown",
  status: 404,
  title: "Unknown route"
}) {}
