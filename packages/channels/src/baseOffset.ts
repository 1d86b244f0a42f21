/**
 * The hot path of the grammar: where a subject's base begins. A finite automaton over slug, dot and root, as one table:
 * one look-up a character, no allocation, no call. `npm run bench -- channels` holds it against `indexOf`.
 */
import { isRoot, ROOTS } from "./roots.ts"
import { DEFAULT_TENANT, RESERVED_SLUGS, SLUG_LENGTH_MAX } from "./Slug.ts"

/** What `baseOffset` gives for a subject that is neither prefixed nor unprefixed. */
export const NO_BASE = -1

/** A row of the table has one entry for each ASCII character. */
const CODES = 128

const ROOT_LENGTH_MAX = Math.max(...ROOTS.map((root) => root.length))

/** What comes after a slug as long as may be, its dot, the longest root and its dot decides nothing. */
const WALK_LENGTH_MAX = SLUG_LENGTH_MAX + 1 + ROOT_LENGTH_MAX + 1

/** The walk ends in these states. Those between them accept a prefixed subject, and are the length of its root. */
const REFUSED = 0
const UNPREFIXED = ROOT_LENGTH_MAX + 1
/** From here on the walk goes on: in a token that can only be a slug, after a letter or digit, or after a hyphen. */
const SLUG = UNPREFIXED + 1
const SLUG_HYPHEN = SLUG + 1
const SUBJECT_START = SLUG_HYPHEN + 1
const BASE_START = SUBJECT_START + 1

const codesOf = (text: string): ReadonlyArray<number> => Array.from(text, (char) => char.charCodeAt(0))
const LETTERS = codesOf("abcdefghijklmnopqrstuvwxyz")
const LETTERS_AND_DIGITS = [...LETTERS, ...codesOf("0123456789")]
const [HYPHEN = 0, DOT = 0] = codesOf("-.")

/** Rows of next states, state by state. */
const buildRows = (): ReadonlyArray<Uint16Array> => {
  const rows = Array.from({ length: BASE_START + 1 }, () => new Uint16Array(CODES))
  const set = (state: number, codes: ReadonlyArray<number>, next: number) => {
    for (const code of codes) (rows[state] as Uint16Array)[code] = next
  }
  const addSlugExits = (state: number, after: number) => {
    set(state, LETTERS_AND_DIGITS, SLUG)
    set(state, [HYPHEN], SLUG_HYPHEN)
    set(state, [DOT], after === HYPHEN ? REFUSED : BASE_START)
  }
  /** Adds a word's characters after `start`; in the first token each of them may still be a slug's. */
  const addWord = (word: string, start: number, result: number) => {
    let state = start
    for (const code of codesOf(word)) {
      const next = (rows[state] as Uint16Array)[code] as number
      if (next > BASE_START) state = next
      else {
        rows.push(new Uint16Array(CODES))
        const added = rows.length - 1
        if (start === SUBJECT_START) addSlugExits(added, code)
        set(state, [code], added)
        state = added
      }
    }
    set(state, [DOT], result)
  }
  addSlugExits(SLUG, SLUG)
  addSlugExits(SLUG_HYPHEN, HYPHEN)
  set(SUBJECT_START, LETTERS, SLUG)
  for (const root of ROOTS) {
    addWord(root, SUBJECT_START, UNPREFIXED)
    addWord(root, BASE_START, root.length)
  }
  for (const word of RESERVED_SLUGS) {
    if (!isRoot(word) && word !== DEFAULT_TENANT) addWord(word, SUBJECT_START, REFUSED)
  }
  return rows
}

/** States stand in the table multiplied by the row's length, so that a step is one addition and one look-up. */
const buildTable = (): Uint16Array => {
  const rows = buildRows()
  if (rows.length * CODES > 0x1_0000) {
    throw new RangeError(
      `${rows.length} states do not fit 16 bits, the limit is ${0x1_0000 / CODES}: use a Uint32Array`
    )
  }
  return Uint16Array.from(rows.flatMap((row) => Array.from(row, (state) => state * CODES)))
}

const table = buildTable()

/**
 * Where the base subject starts: 0 in an unprefixed subject, the slug's length plus 1 in a prefixed one, `NO_BASE` when
 * the subject is neither. Tenant and root are checked in full, and decide alone. What follows them is the publisher's:
 * a server delivers control characters and literal `*` and `>` there, so show or store a base only after `parseSubject`.
 *
 * @stability stable
 */
export const baseOffset = (subject: string): number => {
  // Something must follow the dot behind the root, so the last character decides nothing.
  const end = Math.min(subject.length - 1, WALK_LENGTH_MAX)
  let state = SUBJECT_START * CODES
  for (let index = 0; index < end; index += 1) {
    const code = subject.charCodeAt(index)
    if (code >= CODES) return NO_BASE
    state = table[state + code] as number
    if (state < SLUG * CODES) {
      if (state === REFUSED) return NO_BASE
      if (state === UNPREFIXED * CODES) return 0
      const offset = index - state / CODES
      return offset <= SLUG_LENGTH_MAX + 1 ? offset : NO_BASE
    }
  }
  return NO_BASE
}
