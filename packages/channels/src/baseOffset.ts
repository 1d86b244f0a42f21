/**
 * The hot path of the grammar: where a subject's base begins. A finite automaton over slug, dot and root, as one table:
 * one look-up a character, no allocation, no call. `npm run bench -- channels` holds it against `indexOf`.
 */
import { ROOTS } from "./roots.ts"
import { SLUG_LENGTH_MAX } from "./Slug.ts"

/** What `baseOffset` gives for a subject that is neither prefixed nor unprefixed. */
export const NO_BASE = -1

/** A row of the table: one entry for each character of a one-byte string. */
const CODES = 256

/** The walk ends below `FIRST_LIVE`: refused, or accepted with the length of the root that a prefixed subject has. */
const REFUSED = 0
const UNPREFIXED = 30
const FIRST_LIVE = 31
/** Inside a token that can only be a slug, the last character being a letter or digit, or a hyphen. */
const SLUG = 31
const SLUG_HYPHEN = 32
const SUBJECT_START = 33
const BASE_START = 34

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
  const addSlugExits = (state: number) => {
    set(state, LETTERS_AND_DIGITS, SLUG)
    set(state, [HYPHEN], SLUG_HYPHEN)
    set(state, [DOT], BASE_START)
  }
  /** Adds a root's characters after `start`; in the first token each of them may still be a slug's. */
  const addRoot = (root: string, start: number, accepted: number) => {
    let state = start
    for (const code of codesOf(root)) {
      const next = (rows[state] as Uint16Array)[code] as number
      if (next > BASE_START) state = next
      else {
        rows.push(new Uint16Array(CODES))
        const added = rows.length - 1
        if (start === SUBJECT_START) addSlugExits(added)
        set(state, [code], added)
        state = added
      }
    }
    set(state, [DOT], accepted)
  }
  addSlugExits(SLUG)
  addSlugExits(SLUG_HYPHEN)
  set(SLUG_HYPHEN, [DOT], REFUSED)
  set(SUBJECT_START, LETTERS, SLUG)
  for (const root of ROOTS) {
    addRoot(root, SUBJECT_START, UNPREFIXED)
    addRoot(root, BASE_START, root.length)
  }
  return rows
}

/** States stand in the table multiplied by the row's length, so that a step is one addition and one look-up. */
const table = Uint16Array.from(buildRows().flatMap((row) => Array.from(row, (state) => state * CODES)))

/**
 * Where the base subject starts: 0 in an unprefixed subject, the slug's length plus 1 in a prefixed one, `NO_BASE` when
 * the subject is neither. It is meant for subjects that a server has delivered, whose tokens the server has checked, and
 * looks at tenant and root only. For text from elsewhere use `parseSubject`.
 *
 * @stability stable
 */
export const baseOffset = (subject: string): number => {
  // Something must follow the dot behind the root, so the last character decides nothing.
  const last = subject.length - 1
  let state = SUBJECT_START * CODES
  for (let index = 0; index < last; index += 1) {
    const code = subject.charCodeAt(index)
    if (code >= CODES) return NO_BASE
    state = table[state + code] as number
    if (state < FIRST_LIVE * CODES) {
      if (state === REFUSED) return NO_BASE
      if (state === UNPREFIXED * CODES) return 0
      const offset = index - state / CODES
      return offset <= SLUG_LENGTH_MAX + 1 ? offset : NO_BASE
    }
  }
  return NO_BASE
}
