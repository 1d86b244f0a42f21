const PREVIEW_CHARACTERS_MAX = 60
/** Control characters that JSON leaves as they are. */
const CONTROL = /[\u007f-\u009f]/g

/** A value as an error may show it: quoted, on one line, short, and itself storable. */
export const preview = (value: unknown): string => {
  if (typeof value === "object" && value !== null) return Array.isArray(value) ? "an array" : "an object"
  const text = String(value).toWellFormed()
  const cut = text.length > PREVIEW_CHARACTERS_MAX ? `${text.slice(0, PREVIEW_CHARACTERS_MAX)}…` : text
  // Cut first: the cut may split a surrogate pair, and JSON shows what is left of it as an escape.
  return JSON.stringify(cut).replaceAll(CONTROL, (character) => `\\u00${character.charCodeAt(0).toString(16)}`)
}

const PLAIN_KEY = /^[A-Za-z_][A-Za-z0-9_]{0,59}$/

/** A JSON path from the keys and indexes that lead to a value. */
export const jsonPath = (keys: ReadonlyArray<string | number>): string =>
  keys.reduce<string>(
    (path, key) =>
      typeof key === "number" ? `${path}[${key}]` : PLAIN_KEY.test(key) ? `${path}.${key}` : `${path}[${preview(key)}]`,
    "$"
  )
