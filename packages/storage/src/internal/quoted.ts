/** A PostgreSQL identifier in quotes. Our names come from validated slugs; they are quoted all the same. */
export const quoted = (identifier: string): string => `"${identifier.replaceAll('"', '""')}"`
