/**
 * The tenant in a certificate's common name, `<component>.<partition>.<slug>.<suffix>`. Whoever calls this has verified
 * the certificate: the name says who somebody is only when an authority that we trust has signed it.
 */
import { isTenantSlug, type TenantSlug } from "@bulkhead/channels"
import { Schema } from "effect"

/** Who a certificate speaks for. */
export interface CommonNameTenant {
  readonly component: string
  readonly partition: string
  readonly tenant: TenantSlug
}

/** The suffix of certificates that Bulkhead issues. */
export const COMMON_NAME_SUFFIX = "bulkhead"

/** RFC 5280's upper bound for a common name, characters. */
const COMMON_NAME_LENGTH_MAX = 64
const SHOWN_LENGTH_MAX = 80

/** The common name is not of the form that names a tenant. */
export class CommonNameInvalid extends Schema.TaggedError<CommonNameInvalid>("@bulkhead/tenancy/CommonNameInvalid")(
  "CommonNameInvalid",
  { commonName: Schema.String, problem: Schema.String, suffix: Schema.String }
) {
  readonly isRetryable = false
  override get message(): string {
    return (
      `The common name ${quoted(this.commonName)} names no tenant: ${this.problem}. ` +
      `Issue the certificate for <component>.<partition>.<slug>.${this.suffix}`
    )
  }
}

const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/

/** A stranger's text in a message of ours: cut, quoted, and nothing but printable ASCII, so that it forges no log line. */
const quoted = (text: string): string =>
  JSON.stringify(text.slice(0, SHOWN_LENGTH_MAX)).replace(
    /[^ -~]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`
  )

/**
 * Reads component, partition and tenant out of a common name.
 *
 * **Shape**: exactly four parts between dots, each a lower-case DNS label, the third a tenant's slug, the last `suffix`.
 * It takes anything, because Node gives a list where a certificate has several common names.
 *
 * **Fails**: never throws; a `CommonNameInvalid` is returned.
 *
 * @stability stable
 */
export const tenantFromCommonName = (
  commonName: unknown,
  suffix: string = COMMON_NAME_SUFFIX
): CommonNameTenant | CommonNameInvalid => {
  const text = typeof commonName === "string" ? commonName : ""
  const refuse = (problem: string) =>
    new CommonNameInvalid({ commonName: text.slice(0, SHOWN_LENGTH_MAX), problem, suffix })
  if (typeof commonName !== "string") {
    return refuse(Array.isArray(commonName) ? "it is a list of names" : `it is no text but ${typeof commonName}`)
  }
  if (text.length > COMMON_NAME_LENGTH_MAX) {
    return refuse(`it has ${text.length} characters, the limit is ${COMMON_NAME_LENGTH_MAX}`)
  }
  const parts = text.split(".")
  const [component = "", partition = "", tenant = "", last = ""] = parts
  if (parts.length !== 4) return refuse(`it has ${parts.length} parts between dots, not 4`)
  if (last !== suffix) return refuse(`it ends with ${quoted(last)}, not ${quoted(suffix)}`)
  if (!LABEL.test(component)) return refuse(`its component ${quoted(component)} is no lower-case DNS label`)
  if (!LABEL.test(partition)) return refuse(`its partition ${quoted(partition)} is no lower-case DNS label`)
  if (!isTenantSlug(tenant)) return refuse(`${quoted(tenant)} is no tenant's slug`)
  return { component, partition, tenant }
}
