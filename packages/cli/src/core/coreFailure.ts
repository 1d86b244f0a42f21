/**
 * What core, or the way to it, said, as the one line and the exit code of a command.
 */
import * as Cause from "effect/Cause"
import * as HttpClientError from "effect/http/HttpClientError"
import * as Schema from "effect/Schema"
import { type CommandFailed, failed } from "../CommandFailed.ts"
import type { CurrentContext } from "../contexts/currentContext.ts"
import { EXIT, type ExitCode } from "../ExitCode.ts"

/** RFC 9457, as much of it as all problems of core have in common. */
const Problem = Schema.Struct({
  status: Schema.Int,
  title: Schema.optionalKey(Schema.String),
  detail: Schema.optionalKey(Schema.String)
})
const isProblem = Schema.is(Problem)

const exitFor = (status: number): ExitCode => {
  if (status === 401 || status === 403) return EXIT.unauthorized
  if (status === 400) return EXIT.usage
  return status === 502 || status === 503 || status === 504 ? EXIT.unreachable : EXIT.fault
}

/** The innermost cause names what happened: a refused connection, a host without an address. */
const innermost = (cause: unknown): string => {
  let at: unknown = cause
  while (at instanceof Error && at.cause !== undefined) at = at.cause
  if (!(at instanceof Error)) return String(at)
  return (at as NodeJS.ErrnoException).code ?? at.message
}

const unreachable = ({ name, url }: CurrentContext, why: string): CommandFailed =>
  failed(
    EXIT.unreachable,
    `Core at "${url}" (context "${name}") cannot be reached: ${why}`,
    "Check that it runs, and the URL"
  )

export const coreFailure = (error: unknown, context: CurrentContext): CommandFailed => {
  if (isProblem(error)) {
    return failed(exitFor(error.status), error.detail ?? error.title ?? `Core answered with status ${error.status}`)
  }
  if (Cause.isTimeoutError(error)) return unreachable(context, "it does not answer in time")
  if (HttpClientError.isHttpClientError(error)) {
    const { reason } = error
    if (reason._tag === "TransportError") return unreachable(context, innermost(reason.cause))
    if (reason._tag === "InvalidUrlError")
      return failed(EXIT.usage, `"${context.url}" (context "${context.name}") is no URL`)
    const { response } = error
    if (response !== undefined && response.status >= 400) {
      return failed(
        exitFor(response.status),
        `"${context.url}" answered with status ${response.status}, and not as core does`,
        "Check that the URL is that of core's API and not of something else"
      )
    }
  }
  const what = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error)
  return failed(
    EXIT.fault,
    `"${context.url}" answers what this version of bulkhead does not understand (${what})`,
    "Use the bulkhead of core's own release"
  )
}
