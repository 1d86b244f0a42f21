/**
 * Subject patterns compared with each other, token by token, as nats-server does it.
 */

const tokensOf = (pattern: string): ReadonlyArray<string> => pattern.split(".")

/** Whether some subject matches both. */
export const patternsOverlap = (a: string, b: string): boolean => {
  const [left, right] = [tokensOf(a), tokensOf(b)]
  for (let index = 0; ; index += 1) {
    const [one, other] = [left[index], right[index]]
    if (one === undefined || other === undefined) return one === other
    if (one === ">" || other === ">") return true
    if (one !== other && one !== "*" && other !== "*") return false
  }
}

/** Whether every subject that matches `inner` matches `outer` too. */
export const patternCovers = (outer: string, inner: string): boolean => {
  const [left, right] = [tokensOf(outer), tokensOf(inner)]
  for (let index = 0; ; index += 1) {
    const [one, other] = [left[index], right[index]]
    if (one === undefined || other === undefined) return one === other
    if (one === ">") return true
    if (other === ">" || (one !== "*" && one !== other)) return false
  }
}

/** How many of its first tokens are no wildcards. */
export const literalDepth = (pattern: string): number => {
  const tokens = tokensOf(pattern)
  const at = tokens.findIndex((token) => token === "*" || token === ">")
  return at === -1 ? tokens.length : at
}
