/** The text with what PostgreSQL cannot store replaced: a dead letter has nowhere else to go. */
export const storable = (text: string): string => text.toWellFormed().replaceAll("\u0000", "\ufffd")
