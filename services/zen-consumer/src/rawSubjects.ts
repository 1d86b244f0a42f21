/**
 * What is decided on, and where results and dead letters go. Neither is ever read again.
 */

const PROCESSED = ".processed"
const FAILED = ".failed"

/** Under `logs.internal` results have as many tokens as raw logs of another depth. */
export const isRaw = (subject: string): boolean => !subject.endsWith(PROCESSED) && !subject.endsWith(FAILED)

export const processedSubject = (subject: string): string => `${subject}${PROCESSED}`

/** Where a message goes whose rules failed, whole, with the reason in its headers. */
export const failedSubject = (subject: string): string => `${subject}${FAILED}`
