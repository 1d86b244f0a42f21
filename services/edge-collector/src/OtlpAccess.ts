/**
 * Who may send OTLP, over what: with TLS, and a bearer token or a certificate. Without them on loopback alone, where
 * nobody else is, or where the settings say so.
 */
import { createHash, timingSafeEqual } from "node:crypto"
import { Effect, Redacted, Schema } from "effect"
import type { EdgeConfig } from "./EdgeConfig.ts"
import { readTlsFiles, type TlsFiles, type TlsFilesInvalid } from "./tlsFiles.ts"

/** OTLP would be open to anybody. */
export class OtlpOpen extends Schema.TaggedError<OtlpOpen>("@bulkhead/edge-collector/OtlpOpen")("OtlpOpen", {
  host: Schema.String,
  missing: Schema.String
}) {
  readonly isRetryable = false
  override get message(): string {
    return (
      `OTLP would be taken on EDGE_LISTEN_HOST="${this.host}" without ${this.missing}. Set EDGE_OTLP_TLS_CERT and ` +
      "EDGE_OTLP_TLS_KEY, and EDGE_OTLP_TOKENS or EDGE_OTLP_TLS_CLIENT_CA; or listen on 127.0.0.1; or set " +
      "EDGE_OTLP_ACCEPT_ANY=true"
    )
  }
}

/** A token is too short to be a secret. */
export class OtlpTokenShort extends Schema.TaggedError<OtlpTokenShort>("@bulkhead/edge-collector/OtlpTokenShort")(
  "OtlpTokenShort",
  { length: Schema.Finite }
) {
  readonly isRetryable = false
  override get message(): string {
    return `A token of EDGE_OTLP_TOKENS has ${this.length} characters, at least ${TOKEN_LENGTH_MIN}: make a longer one`
  }
}

const TOKEN_LENGTH_MIN = 16
const BEARER = /^bearer +(\S+)$/i

export interface OtlpAccess {
  readonly tls: TlsFiles | undefined
  /** Whether a request with this `authorization` may be taken. */
  readonly isAllowed: (authorization: string | undefined) => boolean
}

const isLoopback = (host: string): boolean =>
  host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host)

const digestOf = (text: string): Buffer => createHash("sha256").update(text).digest()

const missingIn = (hasTls: boolean, asksWho: boolean): string | undefined => {
  if (hasTls) return asksWho ? undefined : "asking who sends"
  return asksWho ? "TLS" : "TLS, and without asking who sends"
}

/** What the settings say. Fails where they would leave the door open unawares. */
export const otlpAccess = Effect.fnUntraced(function* ({
  host,
  otlp
}: typeof EdgeConfig.Service): Effect.fn.Return<OtlpAccess, OtlpOpen | OtlpTokenShort | TlsFilesInvalid> {
  const { tlsCert, tlsKey, tlsClientCa, tokens } = otlp
  const hasTls = [tlsCert, tlsKey, tlsClientCa].some((path) => path !== undefined)
  const tls = hasTls ? yield* readTlsFiles(otlp, "EDGE_OTLP_TLS") : undefined
  const missing = missingIn(hasTls, tokens.length > 0 || tlsClientCa !== undefined)
  if (missing !== undefined && !isLoopback(host) && !otlp.acceptAny) return yield* new OtlpOpen({ host, missing })
  const short = tokens.map((token) => Redacted.value(token).length).find((length) => length < TOKEN_LENGTH_MIN)
  if (short !== undefined) return yield* new OtlpTokenShort({ length: short })
  const allowed = tokens.map((token) => digestOf(Redacted.value(token)))
  return {
    tls,
    isAllowed: (authorization = "") => {
      const given = digestOf(BEARER.exec(authorization)?.[1] ?? "")
      return allowed.length === 0 || allowed.some((each) => timingSafeEqual(each, given))
    }
  }
})
