/**
 * Looks through a parsed JSON value for what a `jsonb` column refuses. It walks at most `depthMax` levels, so that
 * no nesting can exhaust the stack.
 */
import type { DecodeReason } from "../DecodeError.ts"

/** What was found, with the keys that lead to it, innermost first. */
export interface Unstorable {
  readonly reason: DecodeReason
  readonly problem: string
  readonly keysReversed: Array<string | number>
}

const found = (reason: DecodeReason, problem: string): Unstorable => ({ reason, problem, keysReversed: [] })

/** Why PostgreSQL refuses this text, or undefined. */
export const textProblem = (text: string): string | undefined => {
  if (text.includes("\u0000")) return "holds a NUL character, which PostgreSQL cannot store: send it without"
  if (!text.isWellFormed()) return "holds half a surrogate pair, which is no Unicode text: send complete characters"
  return undefined
}

/** The first thing PostgreSQL refuses in `value`. Texts are checked when `checkTexts`. */
export const findUnstorable = (value: unknown, depthMax: number, checkTexts: boolean): Unstorable | undefined => {
  if (typeof value === "string") {
    const problem = checkTexts ? textProblem(value) : undefined
    return problem === undefined ? undefined : found("unstorable_text", problem)
  }
  if (typeof value === "number") {
    // JSON.parse reads 1e400 as Infinity, which would be stored as null.
    return Number.isFinite(value)
      ? undefined
      : found("unstorable_number", "is a number beyond 1.8e308, the largest of a double: send it as text")
  }
  if (typeof value !== "object" || value === null) return undefined
  if (depthMax === 0) return found("too_deep", "")
  return Array.isArray(value)
    ? findInArray(value, depthMax, checkTexts)
    : findInObject(value as Record<string, unknown>, depthMax, checkTexts)
}

const findInArray = (values: ReadonlyArray<unknown>, depthMax: number, checkTexts: boolean): Unstorable | undefined => {
  for (let index = 0; index < values.length; index++) {
    const inside = findUnstorable(values[index], depthMax - 1, checkTexts)
    if (inside !== undefined) {
      inside.keysReversed.push(index)
      return inside
    }
  }
  return undefined
}

const findInObject = (
  object: Readonly<Record<string, unknown>>,
  depthMax: number,
  checkTexts: boolean
): Unstorable | undefined => {
  for (const key of Object.keys(object)) {
    const inside =
      (checkTexts ? findUnstorable(key, depthMax, checkTexts) : undefined) ??
      findUnstorable(object[key], depthMax - 1, checkTexts)
    if (inside !== undefined) {
      inside.keysReversed.push(key)
      return inside
    }
  }
  return undefined
}
