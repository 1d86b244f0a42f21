/**
 * A changing request that was held back before it left: what `--dry-run` shows. It stands where the request would be sent,
 * so what is shown is what would have been sent, checked by the same schemas.
 */
import * as Console from "effect/Console"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

export class DryRun extends Schema.TaggedError<DryRun>("@bulkhead/cli/DryRun")("DryRun", {
  method: Schema.String,
  url: Schema.String,
  body: Schema.optionalKey(Schema.Unknown)
}) {}

export const printDryRun = ({ method, url, body }: DryRun, isJson: boolean): Effect.Effect<void> =>
  Console.log(
    isJson
      ? JSON.stringify({ dryRun: { method, url, body } })
      : [
          "dry run: nothing was changed; this would be sent",
          `${method} ${url}`,
          ...(body === undefined ? [] : [JSON.stringify(body, undefined, 2)])
        ].join("\n")
  )
