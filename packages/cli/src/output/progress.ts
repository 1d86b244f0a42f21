/**
 * How far a long command is: a bar on standard error while that is a terminal, and nothing anywhere else.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { Json, type Settings } from "../Settings.ts"

const WIDTH = 24
const CLEAR_LINE = "\r\u001b[2K"

export interface Progress {
  /** `total` may be found out on the way. */
  readonly show: (done: number, total: number, unit: string) => Effect.Effect<void>
  /** Takes the bar away until it is shown again, for a line of another kind. */
  readonly clear: Effect.Effect<void>
}

const bar = (done: number, total: number): string => {
  const share = total <= 0 ? 1 : Math.min(1, done / total)
  const full = Math.round(share * WIDTH)
  return `${"█".repeat(full)}${"░".repeat(WIDTH - full)} ${String(Math.floor(share * 100)).padStart(3)} %`
}

const hidden: Progress = { show: () => Effect.void, clear: Effect.void }

const write = (text: string) => Effect.sync(() => void process.stderr.write(text))

/** A bar that is gone when the scope closes. */
export const progress = Effect.fnUntraced(function* (
  title: string
): Effect.fn.Return<Progress, never, Scope.Scope | Settings> {
  const isShown = process.stderr.isTTY === true && !(yield* Json)
  if (!isShown) return hidden
  yield* Effect.addFinalizer(() => write(CLEAR_LINE))
  return {
    show: (done, total, unit) => write(`${CLEAR_LINE}${title} ${bar(done, total)} ${done}/${total} ${unit}`),
    clear: write(CLEAR_LINE)
  }
})
