import { Config, Schema } from "effect"

/** How long a store over HTTP is waited for. */
export interface HttpStoreTimes {
  /** For one answer, milliseconds. Default 10000. */
  readonly requestTimeoutMs?: number | undefined
  /** For a store that is unavailable when the layer is built, milliseconds. Default 30000. */
  readonly startTimeoutMs?: number | undefined
}

const milliseconds = (name: string, byDefault: number) =>
  Config.schema(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 600_000 })), name).pipe(
    Config.withDefault(byDefault)
  )

export const REQUEST_TIMEOUT_MS = 10_000
export const START_TIMEOUT_MS = 30_000

/** `SECRETS_REQUEST_TIMEOUT_MS` and `SECRETS_START_TIMEOUT_MS`. */
export const httpStoreTimes = Config.all({
  requestTimeoutMs: milliseconds("SECRETS_REQUEST_TIMEOUT_MS", REQUEST_TIMEOUT_MS),
  startTimeoutMs: milliseconds("SECRETS_START_TIMEOUT_MS", START_TIMEOUT_MS)
})
