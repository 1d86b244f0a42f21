/**
 * The PEM files of a listener with TLS.
 */
import { readFileSync } from "node:fs"
import { createSecureContext } from "node:tls"
import { Effect, Schema } from "effect"

/** The files for TLS are missing, cannot be read, or do not fit. */
export class TlsFilesInvalid extends Schema.TaggedError<TlsFilesInvalid>("@bulkhead/edge-collector/TlsFilesInvalid")(
  "TlsFilesInvalid",
  { variables: Schema.String, problem: Schema.String }
) {
  readonly isRetryable = false
  override get message(): string {
    return `${this.problem}: set ${this.variables}_CERT and ${this.variables}_KEY to PEM files that belong together`
  }
}

/** Paths, as the settings name them. */
export interface TlsPaths {
  readonly tlsCert: string | undefined
  readonly tlsKey: string | undefined
  readonly tlsClientCa: string | undefined
}

export interface TlsFiles {
  readonly cert: Buffer
  readonly key: Buffer
  /** When there is one, clients need a certificate of it. */
  readonly clientCa: Buffer | undefined
}

/** Reads them; `variables` is how the names of their settings begin, `EDGE_SYSLOG_TLS`. */
export const readTlsFiles = (paths: TlsPaths, variables: string): Effect.Effect<TlsFiles, TlsFilesInvalid> => {
  const read = (path: string | undefined, name: string) =>
    Effect.try({
      try: () => readFileSync(path ?? ""),
      catch: () => new TlsFilesInvalid({ variables, problem: `${variables}_${name}="${path ?? ""}" cannot be read` })
    })
  return Effect.gen(function* () {
    const cert = yield* read(paths.tlsCert, "CERT")
    const key = yield* read(paths.tlsKey, "KEY")
    const clientCa = paths.tlsClientCa === undefined ? undefined : yield* read(paths.tlsClientCa, "CLIENT_CA")
    yield* Effect.try({
      try: () => createSecureContext({ cert, key, ...(clientCa === undefined ? {} : { ca: clientCa }) }),
      catch: (cause) => new TlsFilesInvalid({ variables, problem: `The files do not fit (${cause})` })
    })
    return { cert, key, clientCa }
  })
}

/** What Node's servers want of them. */
export const serverOptions = ({ cert, key, clientCa }: TlsFiles) => ({
  cert,
  key,
  minVersion: "TLSv1.2" as const,
  ...(clientCa === undefined ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: true })
})
