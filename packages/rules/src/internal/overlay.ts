/**
 * Lays a rule's result over the message it was made from.
 */
type Fields = Readonly<Record<string, unknown>>

export const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** Fields of the result win. The engine gives no null, so that no rule can take a field away like this. */
export const overlay = (message: Fields, result: Fields): Fields => ({ ...message, ...result })
