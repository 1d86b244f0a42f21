/**
 * Whether a subject or pattern has a token without characters. No server delivers such a subject.
 */
export const hasEmptyToken = (subject: string): boolean =>
  subject.length === 0 || subject.startsWith(".") || subject.endsWith(".") || subject.includes("..")
