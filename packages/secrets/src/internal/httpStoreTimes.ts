import { Setting } from "@bulkhead/settings"

/** How long a store over HTTP is waited for. */
export interface HttpStoreTimes {
  /** For one answer, milliseconds. Default 10000. */
  readonly requestTimeoutMs?: number | undefined
  /** For a store that is unavailable when the layer is built, milliseconds. Default 30000. */
  readonly startTimeoutMs?: number | undefined
}

export const REQUEST_TIMEOUT_MS = 10_000
export const START_TIMEOUT_MS = 30_000

const milliseconds = { from: 1, to: 600_000 }

export const httpStoreSettings = {
  requestTimeoutMs: Setting.whole(
    "SECRETS_REQUEST_TIMEOUT_MS",
    "milliseconds",
    milliseconds,
    "for one answer of Vault or Kubernetes"
  ).or(REQUEST_TIMEOUT_MS),
  startTimeoutMs: Setting.whole(
    "SECRETS_START_TIMEOUT_MS",
    "milliseconds",
    milliseconds,
    "to wait at the start for a store that is not available"
  ).or(START_TIMEOUT_MS)
}
