/**
 * Keeps from the engine what it cannot take: it panics on numbers that its decimals cannot hold, and a value nested
 * thousands deep ends its process.
 */

/** Levels of objects and arrays in each other. */
export const LEVELS_MAX = 64
/** The largest decimal of the engine is just above. */
export const NUMBER_MAX = 7.9e28
/** Below it a number has more decimals than the engine's 28. */
const NUMBER_MIN = 1e-11

const numberProblem = (value: number, path: string): string | undefined => {
  const size = Math.abs(value)
  if (size > NUMBER_MAX) return `${path} is ${value}, rules take numbers up to ${NUMBER_MAX}`
  if (size > 0 && size < NUMBER_MIN) return `${path} is ${value}, rules take numbers from ${NUMBER_MIN} on`
  return undefined
}

/** Says what no rule can take in `value`, and where; undefined where there is nothing. */
export const guardValue = (value: unknown, path = "$", level = 1): string | undefined => {
  if (typeof value === "number") return numberProblem(value, path)
  if (typeof value !== "object" || value === null) return undefined
  if (level > LEVELS_MAX) return `${path} is nested deeper than ${LEVELS_MAX} levels, the limit`
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index += 1) {
      const problem = guardValue(value[index], `${path}[${index}]`, level + 1)
      if (problem !== undefined) return problem
    }
    return undefined
  }
  for (const name in value) {
    const problem = guardValue((value as Record<string, unknown>)[name], `${path}.${name}`, level + 1)
    if (problem !== undefined) return problem
  }
  return undefined
}
