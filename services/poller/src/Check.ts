/**
 * What is checked: for whom, what, how often, and when it counts as down. Read from a JSON file, `{ "checks": […] }`.
 */
import { readFileSync } from "node:fs"
import { TenantSlug } from "@bulkhead/tenancy"
import { Effect, Schema } from "effect"

const milliseconds = (least: number, otherwise: number) =>
  Schema.Int.check(Schema.isBetween({ minimum: least, maximum: 86_400_000 })).pipe(
    Schema.withDecodingDefaultKey(Effect.succeed(otherwise))
  )

const common = {
  tenant: TenantSlug,
  /** Unique for the tenant. */
  name: Schema.String.check(Schema.isPattern(/^[a-z0-9][a-z0-9._-]{0,99}$/)),
  /** Pause between two checks, jittered by a tenth. */
  intervalMs: milliseconds(100, 30_000),
  timeoutMs: milliseconds(10, 5_000),
  /** An answer that takes longer counts as degraded. */
  slowMs: milliseconds(1, 2_000),
  /** So many failures in a row make it unhealthy. */
  failuresBeforeDown: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 100 })).pipe(
    Schema.withDecodingDefaultKey(Effect.succeed(2))
  ),
  /** How often its state is reported without a change. */
  heartbeatMs: milliseconds(1_000, 60_000)
}

export const HttpCheck = Schema.Struct({
  ...common,
  type: Schema.Literal("http"),
  url: Schema.String.check(Schema.isPattern(/^https?:\/\/[^\s@]+$/)),
  /** The one good answer; any below 400 when absent. */
  expectedStatus: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 100, maximum: 599 })))
})
export type HttpCheck = typeof HttpCheck.Type

export const TcpCheck = Schema.Struct({
  ...common,
  type: Schema.Literal("tcp"),
  host: Schema.NonEmptyString,
  port: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 65_535 }))
})
export type TcpCheck = typeof TcpCheck.Type

export const Check = Schema.Union([HttpCheck, TcpCheck])
export type Check = typeof Check.Type

const ChecksFile = Schema.fromJsonString(Schema.Struct({ checks: Schema.Array(Check) }))

/** The check file cannot be used; the message names the place in it. */
export class ChecksFileInvalid extends Schema.TaggedError<ChecksFileInvalid>("@bulkhead/poller/ChecksFileInvalid")(
  "ChecksFileInvalid",
  { path: Schema.String, problem: Schema.String }
) {
  readonly isRetryable = false
  override get message(): string {
    return `POLLER_CHECKS_FILE="${this.path}": ${this.problem}. Correct the file and start again`
  }
}

/** What two checks share is told apart by nobody. */
const duplicateOf = (checks: ReadonlyArray<Check>): string | undefined => {
  const seen = new Set<string>()
  for (const { tenant, name } of checks) {
    const key = `${tenant}/${name}`
    if (seen.has(key)) return key
    seen.add(key)
  }
  return undefined
}

/** The checks of a file. */
export const readChecks = Effect.fn("readChecks")(function* (path: string) {
  const invalid = (problem: string) => new ChecksFileInvalid({ path, problem })
  const text = yield* Effect.try({
    try: () => readFileSync(path, "utf8"),
    catch: (cause) => invalid(`cannot be read (${cause instanceof Error && "code" in cause ? cause.code : "unknown"})`)
  })
  const { checks } = yield* Schema.decodeUnknownEffect(ChecksFile)(text).pipe(
    Effect.mapError((error) => invalid(error.message.replaceAll(/\s*\n\s*/g, " ")))
  )
  const duplicate = duplicateOf(checks)
  if (duplicate !== undefined) return yield* invalid(`two checks are called "${duplicate}"`)
  return checks
})
