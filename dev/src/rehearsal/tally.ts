/**
 * Compares what was published with what is stored. Pure.
 */

export interface Tally {
  /** Messages that a stream has acknowledged. */
  readonly published: number
  /** Rows of such messages, a doubled one twice. */
  readonly stored: number
  /** Rows beyond the first of their message. */
  readonly duplicated: number
  /** Acknowledged messages without a row. */
  readonly lost: number
}

/** `rows` are the ids of all rows of a table; those of others do not count. */
export const tally = (acknowledged: ReadonlySet<string>, rows: Iterable<string>): Tally => {
  const found = new Set<string>()
  let stored = 0
  for (const id of rows) {
    if (!acknowledged.has(id)) continue
    stored += 1
    found.add(id)
  }
  return {
    published: acknowledged.size,
    stored,
    duplicated: stored - found.size,
    lost: acknowledged.size - found.size
  }
}

/** Of one set of messages, counted in two tables: the rows of the first, and what is wrong in either. */
export const inBothTables = (one: Tally, other: Tally): Tally => ({
  ...one,
  duplicated: one.duplicated + other.duplicated,
  lost: one.lost + other.lost
})

/** Of two sets of messages. */
export const sum = (one: Tally, other: Tally): Tally => ({
  published: one.published + other.published,
  stored: one.stored + other.stored,
  duplicated: one.duplicated + other.duplicated,
  lost: one.lost + other.lost
})

export const isClean = ({ published, duplicated, lost }: Tally): boolean =>
  published > 0 && duplicated === 0 && lost === 0

export const tallyText = ({ published, stored, duplicated, lost }: Tally): string =>
  `published ${published} stored ${stored} duplicated ${duplicated} lost ${lost}`
