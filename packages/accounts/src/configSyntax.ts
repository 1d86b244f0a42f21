/**
 * Pieces of nats-server's configuration language, for whoever writes such a file.
 */

/** A string; one of the language's quotes in it would end it. Throws for a text that cannot stand in one. */
export const quoted = (text: string): string => {
  if (/["\\\n]/.test(text)) throw new Error(`"${text}" has a quote, backslash or line break: choose another`)
  return `"${text}"`
}

/** A named block, a line each. */
export const block = (name: string, lines: ReadonlyArray<string>): string => `${name} {\n  ${lines.join("\n  ")}\n}`
