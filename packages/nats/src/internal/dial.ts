/**
 * Makes connections: checks the settings, reads credentials, and sorts what goes wrong.
 */
import { readFileSync } from "node:fs"
import { type Authenticator, credsAuthenticator, errors, type NatsConnection } from "@nats-io/nats-core"
import { connect, type NodeConnectionOptions } from "@nats-io/transport-node"
import { Effect, Redacted } from "effect"
import type { NatsOptions } from "../NatsConfig.ts"
import { CredentialsRefused, NatsError, NatsMisconfigured, type NatsReason, NatsUnavailable } from "../NatsError.ts"

/** Settings that were checked. */
export interface Dialer {
  /** The servers, for people. */
  readonly servers: string
  /** Who connects, for people. */
  readonly identity: string
  readonly settings: NodeConnectionOptions
}

const failed = (reason: NatsReason) => new NatsError({ operation: "Nats.layer", reason })
const misconfigured = (problem: string, nextStep: string, cause?: unknown) =>
  failed(new NatsMisconfigured({ problem, nextStep, cause }))

const DIAL_TIMEOUT_MS = 5_000

/** A server that went away without a word is noticed within 20 to 30 s. */
const PING_INTERVAL_MS = 10_000
const PINGS_UNANSWERED_MAX = 2

const RECONNECT_WAIT_MS = 250
const RECONNECT_JITTER_MS = 1_000

/**
 * How long after its last dialling a server is dialled again, milliseconds. The client adds it to the wall-clock time
 * of that dialling, and so, when the clock was set back by hours since, waits for hours. Then each server is dialled once
 * without a wait, and has a time that is right again.
 */
const reconnectDelay = (servers: number) => {
  let askedAtMs = 0
  let untimely = 0
  return () => {
    const nowMs = Date.now()
    if (nowMs < askedAtMs) untimely = servers
    askedAtMs = nowMs
    if (untimely === 0) return RECONNECT_WAIT_MS + Math.random() * RECONNECT_JITTER_MS
    untimely -= 1
    return Number.NEGATIVE_INFINITY
  }
}

const SERVER = /^(?:(?:nats|tls):\/\/)?(?:\[[0-9a-fA-F:.]+\]|[^\s:/@[\]]+)(?::\d{1,5})?$/

const checkServers = Effect.fnUntraced(function* (servers: ReadonlyArray<string>) {
  if (servers.length === 0) {
    return yield* misconfigured("NATS_URL names no server", "set it to nats://host:4222")
  }
  for (const [index, server] of servers.entries()) {
    if (server.includes("@")) {
      return yield* misconfigured(
        `server ${index + 1} of NATS_URL carries a user or password`,
        "put them into NATS_USER and NATS_PASSWORD"
      )
    }
    if (!SERVER.test(server)) {
      return yield* misconfigured(`"${server}" in NATS_URL is no NATS server`, "write nats://host:4222, or tls://")
    }
  }
})

const readable = (variable: string, path: string) =>
  Effect.try({
    try: () => readFileSync(path),
    catch: (cause) =>
      misconfigured(`${variable} "${path}" cannot be read`, "check the path and the rights of the file", cause)
  })

/**
 * Reads the file at each connect, so that rotated credentials hold without a restart. The client closes for good when
 * this throws: while the file is away or half written, the last good contents serve.
 */
const fromCredsFile = (path: string): Authenticator => {
  let last: Authenticator | undefined
  return (nonce) => {
    try {
      const fresh = credsAuthenticator(readFileSync(path))
      const auth = fresh(nonce)
      last = fresh
      return auth
    } catch {
      return last?.(nonce)
    }
  }
}

const CREDS = /BEGIN NATS USER JWT[\s\S]+BEGIN USER NKEY SEED/

const authentication = Effect.fnUntraced(function* (options: NatsOptions) {
  const { credsFile, user, password } = options
  if (credsFile !== undefined) {
    if (user !== undefined || password !== undefined) {
      return yield* misconfigured("NATS_CREDS_FILE and NATS_USER or NATS_PASSWORD are set", "set one or the other")
    }
    if (!CREDS.test((yield* readable("NATS_CREDS_FILE", credsFile)).toString())) {
      return yield* misconfigured(
        `NATS_CREDS_FILE "${credsFile}" holds no user JWT and seed`,
        "write it anew, for instance with nsc generate creds"
      )
    }
    return { identity: `the credentials in "${credsFile}"`, authenticator: fromCredsFile(credsFile) }
  }
  if (user === undefined) {
    if (password !== undefined) return yield* misconfigured("NATS_PASSWORD is set without NATS_USER", "set both")
    return { identity: "a client without credentials", authenticator: () => undefined }
  }
  const pass = password === undefined ? "" : Redacted.value(password)
  return { identity: `user "${user}"`, authenticator: () => ({ user, pass }) }
})

const tlsSettings = Effect.fnUntraced(function* (options: NatsOptions) {
  const { tlsCaFile, tlsCertFile, tlsKeyFile } = options
  if ((tlsCertFile === undefined) !== (tlsKeyFile === undefined)) {
    return yield* misconfigured("only one of NATS_TLS_CERT and NATS_TLS_KEY is set", "set both or none")
  }
  if (tlsCaFile !== undefined) yield* readable("NATS_TLS_CA", tlsCaFile)
  if (tlsCertFile !== undefined) yield* readable("NATS_TLS_CERT", tlsCertFile)
  if (tlsKeyFile !== undefined) yield* readable("NATS_TLS_KEY", tlsKeyFile)
  const asked = options.servers.some((server) => server.startsWith("tls://"))
  if (!asked && tlsCaFile === undefined && tlsCertFile === undefined) return {}
  return {
    tls: {
      ...(tlsCaFile === undefined ? {} : { caFile: tlsCaFile }),
      ...(tlsCertFile === undefined ? {} : { certFile: tlsCertFile }),
      ...(tlsKeyFile === undefined ? {} : { keyFile: tlsKeyFile })
    }
  }
})

/** Checks settings; fails with `NatsMisconfigured`. */
export const makeDialer = Effect.fnUntraced(function* (options: NatsOptions): Effect.fn.Return<Dialer, NatsError> {
  yield* checkServers(options.servers)
  const { identity, authenticator } = yield* authentication(options)
  const tls = yield* tlsSettings(options)
  return {
    servers: options.servers.join(", "),
    identity,
    settings: {
      ...tls,
      servers: options.servers.map((server) => server.replace(/^\w+:\/\//, "")),
      name: options.clientName ?? "bulkhead",
      authenticator,
      timeout: DIAL_TIMEOUT_MS,
      pingInterval: PING_INTERVAL_MS,
      maxPingOut: PINGS_UNANSWERED_MAX,
      maxReconnectAttempts: -1,
      reconnectDelayHandler: reconnectDelay(options.servers.length),
      // A user may come back with a new file, or be let in again: being refused now is no reason to give up.
      ignoreAuthErrorAbort: true,
      // The client would make a stack trace for every request.
      noAsyncTraces: true,
      ...(options.inboxPrefix === undefined ? {} : { inboxPrefix: options.inboxPrefix })
    }
  }
})

/** Tries every server once. */
export const connectOnce = (dialer: Dialer): Effect.Effect<NatsConnection, NatsError> =>
  Effect.tryPromise({
    // The client cannot be told to stop dialling, so a connection that comes too late is closed.
    try: async (signal) => {
      const connection = await connect(dialer.settings)
      if (signal.aborted) await connection.close()
      return connection
    },
    catch: (cause) => failed(connectReason(dialer, cause))
  })

const textOf = (cause: unknown): string => (cause instanceof Error ? cause.message || cause.name : String(cause))
const codeOf = (cause: unknown): string =>
  cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : ""

const connectReason = (dialer: Dialer, cause: unknown): NatsReason => {
  const { servers, identity } = dialer
  if (cause instanceof errors.AuthorizationError || cause instanceof errors.UserAuthenticationExpiredError) {
    return new CredentialsRefused({ servers, identity, cause })
  }
  if (cause instanceof errors.InvalidArgumentError) {
    return new NatsMisconfigured({ problem: textOf(cause), nextStep: "check the NATS_ settings", cause })
  }
  if (/TLS|SSL|CERT|SIGN/.test(codeOf(cause)) || /'tls'|certificate/i.test(textOf(cause))) {
    return new NatsMisconfigured({
      problem: `no TLS with ${servers}: ${textOf(cause)}`,
      nextStep: "check NATS_TLS_CA, NATS_TLS_CERT and NATS_TLS_KEY, and the host name in the server's certificate",
      cause
    })
  }
  return new NatsUnavailable({ problem: `${servers}: ${textOf(cause)}`, cause })
}
