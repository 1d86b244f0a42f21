/**
 * The file of stream settings that an operator may give: for all streams, for tenants of a plan, for the shared stream,
 * and who reads them besides the platform's own services.
 *
 * ```json
 * {
 *   "default": { "replicas": 3 },
 *   "plans": { "free": { "maxAgeMs": 86400000, "replicas": 1 }, "enterprise": { "placement": { "tags": ["ssd"] } } },
 *   "shared": { "duplicateWindowMs": 600000 },
 *   "readers": [
 *     { "name": "zen", "patterns": ["logs.syslog"], "ownStreams": true, "sharedStream": "one", "madeBy": "plan" }
 *   ]
 * }
 * ```
 */
import { readFileSync } from "node:fs"
import { StreamReader, StreamSettings } from "@bulkhead/nats"
import { Effect, Schema } from "effect"

// The size of a stream is a limit of its tenant, or of the installation.
const { maxBytes: _, maxAgeMs, ...fields } = StreamSettings.fields
const Settings = Schema.Struct({ ...fields, maxAgeMs: Schema.optionalKey(maxAgeMs) })
const ofPlan = Schema.optionalKey(Settings)

const StreamSettingsFile = Schema.Struct({
  default: Schema.optionalKey(Settings),
  plans: Schema.optionalKey(Schema.Struct({ free: ofPlan, pro: ofPlan, enterprise: ofPlan })),
  shared: Schema.optionalKey(Settings),
  readers: Schema.optionalKey(Schema.Array(StreamReader))
})
export type StreamSettingsFile = typeof StreamSettingsFile.Type

/** The file cannot be read, or says what no stream can be. */
export class StreamSettingsUnusable extends Schema.TaggedError<StreamSettingsUnusable>()("StreamSettingsUnusable", {
  file: Schema.String,
  problem: Schema.String
}) {
  override get message(): string {
    return `CORE_STREAM_SETTINGS_FILE="${this.file}" cannot be used: ${this.problem}`
  }
}

const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(StreamSettingsFile), { onExcessProperty: "error" })

/** The settings in a file; none where no file is named. */
export const readStreamSettings = Effect.fnUntraced(function* (file: string | undefined) {
  if (file === undefined) return {}
  const unusable = (error: Error) => new StreamSettingsUnusable({ file, problem: error.message })
  const text = yield* Effect.try({
    try: () => readFileSync(file, "utf8"),
    catch: (error) => unusable(error as Error)
  })
  return yield* Effect.mapError(decode(text), unusable)
})
