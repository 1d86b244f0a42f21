/**
 * Sends a change of a flag, and shows what holds then.
 */
import type { FlagChange } from "@bulkhead/core/api"
import * as Effect from "effect/Effect"
import { changeCore } from "../../core/askCore.ts"
import { print } from "../../output/print.ts"
import { renderFlag } from "./flagOptions.ts"

export const changeFlag = Effect.fnUntraced(function* (key: string, payload: FlagChange, dryRun: boolean) {
  const ask = yield* changeCore(dryRun)
  const flag = yield* ask((core) => core.flags.change({ params: { key }, payload }))
  yield* print(flag, renderFlag)
})
