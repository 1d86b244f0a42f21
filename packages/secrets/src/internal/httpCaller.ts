/**
 * JSON over HTTP to one store. Each call has a connection of its own: calls are few, and none meets a connection that
 * the other side has closed meanwhile. Redirects are not followed, so that a token never reaches another host.
 */
import { readFile } from "node:fs/promises"
import { type IncomingMessage, request as requestHttp } from "node:http"
import { request as requestHttps } from "node:https"
import { Duration, Effect } from "effect"
import { SecretStoreMisconfigured, SecretStoreUnavailable } from "../SecretError.ts"

export interface HttpCall {
  readonly method: "GET" | "POST" | "PUT" | "DELETE"
  /** From the root, encoded. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON. */
  readonly body?: unknown
}

export interface HttpAnswer {
  readonly status: number
  /** What the JSON says; undefined where the answer is none. */
  readonly body: unknown
}

export type HttpCaller = (
  call: HttpCall
) => Effect.Effect<HttpAnswer, SecretStoreUnavailable | SecretStoreMisconfigured>

export interface HttpCallerOptions {
  /** The store's name in messages. */
  readonly store: string
  /** `https://host:port`, without a slash at the end. */
  readonly address: string
  /** PEM file with whom to trust; read at each call, so that it may be renewed. */
  readonly caFile?: string | undefined
  /** What names that file. */
  readonly caSetting: string
  readonly timeoutMs: number
}

const ANSWER_BYTES_MAX = 8 * 1_048_576
const CERTIFICATE_ERROR = /CERT|SELF_SIGNED|UNABLE_TO_(VERIFY|GET)|ERR_TLS/

export const httpCaller =
  (options: HttpCallerOptions): HttpCaller =>
  (call) =>
    Effect.tryPromise({
      try: (signal) => exchange(options, call, signal),
      catch: (cause) => failureOf(options, cause)
    }).pipe(
      Effect.timeoutOrElse({
        duration: Duration.millis(options.timeoutMs),
        orElse: () => Effect.fail(unavailable(options, `no answer within ${options.timeoutMs} ms`, undefined))
      })
    )

const exchange = async (options: HttpCallerOptions, call: HttpCall, signal: AbortSignal): Promise<HttpAnswer> => {
  const text = call.body === undefined ? undefined : JSON.stringify(call.body)
  const url = `${options.address}${call.path}`
  const settings = {
    method: call.method,
    headers: { ...call.headers, ...(text === undefined ? {} : { "content-type": "application/json" }) },
    signal,
    agent: false as const,
    ...(options.caFile === undefined ? {} : { ca: await readFile(options.caFile) })
  }
  return new Promise((resolve, reject) => {
    const receive = (answer: IncomingMessage) => void answerOf(answer).then(resolve, reject)
    const outgoing = url.startsWith("https:")
      ? requestHttps(url, settings, receive)
      : requestHttp(url, settings, receive)
    outgoing.on("error", reject).end(text)
  })
}

const answerOf = async (answer: IncomingMessage): Promise<HttpAnswer> => {
  const chunks: Array<Buffer> = []
  let bytes = 0
  for await (const chunk of answer) {
    bytes += chunk.length
    if (bytes > ANSWER_BYTES_MAX) throw new Error(`an answer of more than ${ANSWER_BYTES_MAX} bytes`)
    chunks.push(chunk)
  }
  return { status: answer.statusCode ?? 0, body: parsed(Buffer.concat(chunks).toString("utf8")) }
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const unavailable = (options: HttpCallerOptions, problem: string, cause: unknown) =>
  new SecretStoreUnavailable({ store: options.store, problem, nextStep: "wait and try again", cause })

const failureOf = (options: HttpCallerOptions, cause: unknown) => {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : ""
  const path = cause instanceof Error && "path" in cause ? cause.path : undefined
  if (options.caFile !== undefined && path === options.caFile) {
    return new SecretStoreMisconfigured({
      problem: `The file "${options.caFile}" of ${options.caSetting} cannot be read (${code})`,
      nextStep: "check the path, and that this process may read it",
      cause
    })
  }
  if (CERTIFICATE_ERROR.test(code)) {
    return new SecretStoreMisconfigured({
      problem: `The certificate of ${options.store} is not trusted (${code})`,
      nextStep: `name the file of its authority in ${options.caSetting}, and reach it by a name that it certifies`,
      cause
    })
  }
  const text = cause instanceof Error ? cause.message : String(cause)
  return unavailable(options, code === "" ? text : code, cause)
}
