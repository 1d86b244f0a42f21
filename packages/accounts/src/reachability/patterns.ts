/**
 * Sets of subjects as NATS writes them: `*` stands for one token, `>` for one or more at the end. Where two sets meet is
 * such a set again, and so is what becomes of one on its way through an import or a mapping.
 */

const tokens = (pattern: string): ReadonlyArray<string> => pattern.split(".")

/** The subjects that are in both; undefined where there is none. */
export const intersect = (left: string, right: string): string | undefined => {
  const [a, b] = [tokens(left), tokens(right)]
  const met: Array<string> = []
  for (let index = 0; ; index++) {
    const [x, y] = [a[index], b[index]]
    if (x === undefined || y === undefined) return x === y ? met.join(".") : undefined
    // What stands for the rest takes the other's rest, of which there is at least one token.
    if (x === ">") return [...met, ...b.slice(index)].join(".")
    if (y === ">") return [...met, ...a.slice(index)].join(".")
    if (x !== y && x !== "*" && y !== "*") return undefined
    met.push(x === "*" ? y : x)
  }
}

export const overlaps = (left: string, right: string): boolean => intersect(left, right) !== undefined

/** Whether every subject of `inner` is one of `outer`. */
export const isWithin = (inner: string, outer: string): boolean => {
  const [a, b] = [tokens(inner), tokens(outer)]
  for (let index = 0; ; index++) {
    const [x, y] = [a[index], b[index]]
    if (y === ">") return x !== undefined
    if (x === undefined || y === undefined) return x === y
    if (x === ">" || (y !== "*" && x !== y)) return false
  }
}

/** `$2` or `{{wildcard(2)}}`: the second `*` of the source. */
const referenceOf = (token: string): number | undefined => {
  const [, short, long] = /^(?:\$(\d+)|\{\{\s*wildcard\((\d+)\)\s*\}\})$/.exec(token) ?? []
  const text = short ?? long
  return text === undefined ? undefined : Number(text)
}

/** The arguments of a function may have dots of their own. */
const tokensOfTarget = (target: string): ReadonlyArray<string> => target.match(/(?:\{\{.*?\}\}|[^.])+/g) ?? []

/** Functions that make several tokens of one. */
const SPREADING = /^\{\{\s*(split|slice)/i

/**
 * What becomes of `subjects`, which are within `from`, when `from` is renamed to `to`. The stars of `to` stand for those
 * of `from` in their order, and references for the star they name. Other functions may give any token, and those that
 * split one may give any rest.
 */
export const renamed = (subjects: string, from: string, to: string): string => {
  const [given, source] = [tokens(subjects), tokens(from)]
  const stars = source.flatMap((token, index) => (token === "*" ? [given[index] ?? "*"] : []))
  const rest = source.at(-1) === ">" ? given.slice(source.length - 1) : []
  let next = 0
  const target = tokensOfTarget(to)
  const spreads = target.findIndex((token) => SPREADING.test(token))
  return (spreads < 0 ? target : [...target.slice(0, spreads), ">"])
    .flatMap((token) => {
      if (token === "*") return [stars[next++] ?? "*"]
      if (token === ">") return rest.length > 0 ? rest : [">"]
      const reference = referenceOf(token)
      if (reference !== undefined) return [stars[reference - 1] ?? "*"]
      return [token.startsWith("{{") ? "*" : token]
    })
    .join(".")
}
